"""Speech where there is speech, at its time, whatever the sound's rate, channels and streams."""

import wave
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cues.observations import SOUND
from cues.vision.sound import detect_speech, read_sound
from cues.vision.video import read_frames_at, read_info
from tests.media_made import ffmpeg, needs_encoder, number_in
from tests.speech_made import RATE, conversation, spoken

TALK_S = 24


def write_wave(path: Path, channels: np.ndarray) -> Path:
    """A wave file of (channels, n) samples at RATE."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(channels.T, -1, 1) * 32767).astype(np.int16).tobytes())
    return path


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    """(2, n): each voice of a talk on a channel of its own."""
    return np.array([conversation(TALK_S, voice=0), conversation(TALK_S, voice=1)])


def speaking(talk: np.ndarray) -> np.ndarray:
    """(channels, cells) bool: the made sound is loud in the 100 ms."""
    cells = talk[:, : talk.shape[1] // 1600 * 1600].reshape(len(talk), -1, 1600)
    return np.sqrt(np.square(cells).mean(axis=2)) > 0.01


def columns(table: pa.Table, channel: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(time, speech, level_db) of one channel."""
    mine = table["channel"].to_numpy() == channel
    return tuple(table[name].to_numpy()[mine] for name in ("time", "speech", "level_db"))


def agreement(speech: np.ndarray, spoken_here: np.ndarray) -> float:
    """Share of the 100 ms in which speech is rightly found or not found."""
    n = min(len(speech), len(spoken_here))
    return float(np.mean((speech[:n] > 0.5) == spoken_here[:n]))


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("mono16.mp4", ("-ac", "1", "-c:a", "aac")),
        ("stereo48.mkv", ("-ac", "2", "-ar", "48000", "-c:a", "libopus")),
        ("mono8.avi", ("-ac", "1", "-ar", "8000", "-c:a", "pcm_s16le")),
        ("stereo44.wmv", ("-ac", "2", "-ar", "44100", "-c:a", "wmav2")),
        ("five_one.mov", ("-ac", "6", "-ar", "48000", "-c:a", "aac")),
    ],
)
def test_speech_is_found_at_its_time_at_any_rate(
    tmp_path: Path, talk: np.ndarray, name: str, encoding: tuple[str, ...]
) -> None:
    sound = write_wave(tmp_path / "talk.wav", talk.sum(axis=0, keepdims=True))
    if "libopus" in encoding:
        needs_encoder("libopus")
    ffmpeg(
        "-f", "lavfi", "-i", f"color=s=64x64:r=5:d={TALK_S}", "-i", sound, "-c:v", "mpeg4", *encoding, tmp_path / name
    )
    table = detect_speech(tmp_path / name)
    assert table.schema == SOUND
    time, speech, level = columns(table)
    assert table.num_rows == len(time) == pytest.approx(TALK_S * 10, abs=2)
    assert np.allclose(time, np.arange(len(time)) / 10, atol=1e-4)
    truth = speaking(talk).any(axis=0)
    assert agreement(speech, truth) > 0.85
    assert agreement(speech, truth) > max(agreement(np.roll(speech, shift), truth) for shift in (-6, 6)) + 0.03
    assert (
        np.median(level[: len(truth)][truth[: len(level)]]) > np.median(level[: len(truth)][~truth[: len(level)]]) + 20
    )


def test_a_recording_without_sound_has_none(plain_mp4: Path) -> None:
    assert read_sound(plain_mp4) is None and detect_speech(plain_mp4) is None


def test_no_speech_is_found_in_silence_tones_and_noise(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(10 * RATE) / RATE)
    for name, samples in (("silence", 0 * tone), ("tone", tone), ("noise", 0.05 * rng.normal(size=len(tone)))):
        _, speech, level = columns(detect_speech(write_wave(tmp_path / f"{name}.wav", samples[None])))
        assert np.mean(speech > 0.5) < 0.03
        assert len(level) == 100 and (level.max() == -100 if name == "silence" else level.min() > -40)


def test_channels_that_hear_their_own_person_are_kept_apart(tmp_path: Path, talk: np.ndarray) -> None:
    crossed = np.array([[1.0, 0.1], [0.1, 1.0]]) @ talk
    table = detect_speech(write_wave(tmp_path / "two.wav", crossed))
    truth = speaking(talk)
    levels = [columns(table, channel)[2] for channel in (0, 1)]
    louder = levels[0] > levels[1]
    alone = truth[0] ^ truth[1]
    n = min(len(alone), len(louder))
    assert np.mean(louder[:n][alone[:n]] == truth[0][:n][alone[:n]]) > 0.95


@pytest.mark.parametrize("mixing", [[[1, 1], [1, 1]], [[1, 0.8], [0.8, 1]], [[1, 1], [0, 0]], [[1, 1], [-1, -1]]])
def test_channels_of_one_room_become_one(tmp_path: Path, talk: np.ndarray, mixing: list[list[float]]) -> None:
    path = write_wave(tmp_path / "room.wav", np.array(mixing) @ talk)
    sound = read_sound(path)
    assert len(sound.channels) == 1
    _, speech, _ = columns(detect_speech(path))
    assert agreement(speech, speaking(talk).any(axis=0)) > 0.85


def test_several_sound_streams_are_told_apart_and_their_mix_left_out(tmp_path: Path, talk: np.ndarray) -> None:
    needs_encoder("aac")
    parts = [write_wave(tmp_path / f"{n}.wav", part[None]) for n, part in enumerate([talk.sum(axis=0), *talk])]
    inputs = [argument for part in parts for argument in ("-i", part)]
    maps = [argument for n in range(3) for argument in ("-map", n)]
    path = tmp_path / "streams.mkv"
    ffmpeg(*inputs, *maps, "-c:a", "aac", path)
    assert read_sound(path).channels == ((1, 0), (2, 0))
    table = detect_speech(path)
    for channel in (0, 1):
        assert agreement(columns(table, channel)[1], speaking(talk)[channel]) > 0.85


def test_late_sound_and_gaps_are_silence_on_the_clock_of_the_video(tmp_path: Path, plain_mp4: Path) -> None:
    needs_encoder("aac")
    words = spoken("one two three four five six seven eight nine ten")[: 2 * RATE]
    sound = write_wave(tmp_path / "words.wav", words[None])
    for name in ("late.mp4", "late.mkv"):
        path = tmp_path / name
        ffmpeg("-i", plain_mp4, "-itsoffset", "4.0", "-i", sound, "-c:v", "copy", "-c:a", "aac", path)
        time, speech, level = columns(detect_speech(path))
        assert level[time < 3.8].max() < -60 and np.all(speech[time < 3.8] < 0.5)
        assert np.mean(speech[(time > 4.3) & (time < 5.7)] > 0.5) > 0.8
        # An impulse response of the encoder aside, the first loud sample lies where it was put.
        samples = np.concatenate([block[0] for block in read_sound(path).blocks()])
        first = np.flatnonzero(np.abs(words) > 0.05)[0] / RATE
        assert np.flatnonzero(np.abs(samples) > 0.05)[0] / RATE == pytest.approx(4.0 + first, abs=0.01)


def test_a_click_in_the_sound_lies_at_its_picture_in_every_container(tmp_path: Path, plain_mp4: Path) -> None:
    needs_encoder("aac")
    click = np.zeros(3 * RATE)
    click[int(1.5 * RATE) : int(1.5 * RATE) + 800] = 0.8 * np.sin(np.arange(800) * 0.5)
    sound = write_wave(tmp_path / "click.wav", click[None])
    for name in ("click.mp4", "click.mov", "click.mkv", "click.ts"):
        path = tmp_path / name
        ffmpeg("-i", plain_mp4, "-i", sound, "-c:v", "copy", "-c:a", "aac", path)
        samples = np.concatenate([block[0] for block in read_sound(path).blocks()])
        heard = np.flatnonzero(np.abs(samples) > 0.2)[0] / RATE
        assert heard - read_info(path).start == pytest.approx(1.5, abs=0.012), name
        assert number_in(next(read_frames_at(path, [heard + 0.01])).image) in (44, 45, 46)


def test_blocks_join_without_a_seam_and_memory_stays_with_them(tmp_path: Path) -> None:
    samples = np.sin(2 * np.pi * 200 * np.arange(70 * RATE) / RATE) * 0.5
    path = write_wave(tmp_path / "long.wav", samples[None])
    blocks = list(read_sound(path).blocks())
    assert [block.shape for block in blocks] == [(1, 30 * RATE), (1, 30 * RATE), (1, 10 * RATE)]
    assert np.abs(np.concatenate(blocks, axis=1)[0] - samples).max() < 0.001


def test_damaged_sound_is_silence_and_later_sound_keeps_its_time(tmp_path: Path) -> None:
    needs_encoder("libopus")
    tone = 0.3 * np.sin(2 * np.pi * 300 * np.arange(14 * RATE) / RATE)
    tone[: 11 * RATE] *= 0.1
    path = tmp_path / "hole.mkv"
    ffmpeg("-i", write_wave(tmp_path / "tone.wav", tone[None]), "-c:a", "libopus", path)
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    path.write_bytes(data)
    time, _, level = columns(detect_speech(path))
    assert level[(time > 5.5) & (time < 6.5)].max() < -60
    quiet = level[(time > 0.2) & (time < 3)]
    assert level[(time > 10.2) & (time < 10.85)] == pytest.approx(quiet.mean(), abs=1)
    assert level[(time > 11.05) & (time < 13.8)] == pytest.approx(quiet.mean() + 20, abs=1)
