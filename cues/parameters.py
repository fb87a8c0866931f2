"""Every threshold and window, in one typed place.

Each value carries its unit and where it comes from:
  [C] read in the source code of the method's origin, [P] published, [E] measured on real data (METHOD of this
  project: ten video-call dyads, labelled stills, real clips), [S] simulated, [J] judgement, to be confirmed.
All windows are in seconds, angles in degrees, lengths in centimetres; shares are 0-1 and percentages 0-100.

`replace_parameter("gaze.theta_min_deg=6", ...)` is how the command line and the pages change one value.
"""

from dataclasses import dataclass, field, fields, replace

from cues.errors import ParameterError


@dataclass(frozen=True)
class Camera:
    """Focal length where the file does not say it."""

    focal_over_width: float = 0.75  # of an uncropped 16:9 picture, horizontal view about 67 degrees [J]


@dataclass(frozen=True)
class Media:
    """What a recording may be, and how its timestamps are read."""

    min_side_px: int = 48  # as wide is a face whose irises are 20 px apart (`Quality`); strips take long to search
    max_side_px: int = 8192
    max_pixels: int = 40_000_000
    max_hours: float = 24.0
    on_screen_tolerance_s: float = 0.001  # containers round timestamps to the millisecond
    steady_spread: float = 0.25  # spread of frame intervals over their median, above it the rate is unsteady [J]
    missing_end_s: float = 1.0  # header longer than what can be read by more than this: truncated [J]
    step_back_s: float = 1.0  # larger than any reordering of frames by a codec [J]


@dataclass(frozen=True)
class Keeping:
    """How long what is kept beside the library stays; no part of an analysis."""

    backup_days: int = 30  # of a backup, and of a library that a restore has set aside [J]
    orphan_hours: float = 1.0  # files of no account are removed after; longer than any act that makes them takes [J]


@dataclass(frozen=True)
class Queueing:
    """Whose job is next; no part of an analysis. The rule is told in `jobs/turns.py`."""

    running_a_person: int = 2  # jobs at the same time: an analysis and the copy of its recording [J]
    # A job counts as queued so much later for each megabyte: two minutes for a clip of 60 MB, 23 for an hour of 700 MB;
    # so long, at most, do later and shorter ones go before it [J].
    later_s_per_mb: float = 2.0
    later_most_s: float = 1800.0

    def later_s(self, size_bytes: int) -> float:
        """How much later than it was a job on recordings of this size counts as queued [s]."""
        return min(self.later_s_per_mb * size_bytes / 1e6, self.later_most_s)


@dataclass(frozen=True)
class Sound:
    """Speech and channels of the sound, and the alignment of two files by it."""

    silent_db: float = -75.0  # a channel never louder than this carries nothing [J]
    channel_spread_db: float = 6.0  # level difference of two channels varies by more: each hears its own person [J]
    probe_windows: int = 30  # places at which channels are compared
    probe_window_s: float = 4.0
    anchor_s: float = 60.0  # stretch of sound for one fine offset [METHOD 1.4]
    anchor_search_s: float = 2.5  # fine offsets lie at most this far from the coarse one: the drift of an hour [J]
    coarse_chunk_s: float = 300.0  # short enough that drift does not smear its peak
    coarse_peak_sd: float = 8.0  # the coarse peak stands out by as many deviations of the other lags [J]
    anchor_peak_sd: float = 5.0  # so does an anchor's [J]
    anchors_agree: float = 0.5  # share of the anchors that must lie on one line [J]
    residual_max_s: float = 0.040  # METHOD 1.4
    drift_max_ppm: float = 500.0  # sound clocks are off by less [J]


@dataclass(frozen=True)
class Sampling:
    """How densely a recording is looked at."""

    # Analysed pictures a second, per person. The whole suite was run at 10 and at 5 (tests/validation/README.md):
    # of all figures that of leans found alone is lower, by one lean of 28. At 10 the dense pass costs 1.6 times
    # as much.
    rate_hz: float = 5.0
    # A segment is long enough that starting it costs little, short enough for progress and for work to be shared.
    segment_s: float = 30.0
    body_rate_hz: float = 1.0  # shoulders and background move slowly; the body network costs as much as the face
    short_s: float = 60.0  # a shorter recording gets the flag SHORT and at most the state `confirm`
    refuse_below_s: float = 2.0


@dataclass(frozen=True)
class Layout:
    """Finding stretches, tiles and people in the first, sparse pass."""

    pictures_max: int = 240  # pictures compared for changes of layout over a whole recording
    spacing_min_s: float = 1.0
    searches_max: int = 24  # of them searched for people
    searches_min_a_stretch: int = 3
    sightings_min_share_without_body: float = 0.5  # a face that no body was ever seen with [J]
    sightings_min_share: float = 0.15  # of a stretch's searched pictures, for a group of sightings to be a person [J]
    smallest_face_share: float = 0.08  # of the shorter side; 8 % of 720 lines is a face of 58 px [J]
    changed_grey: float = 25.0  # grey levels that count as another picture [J]
    changed_share: float = 0.45  # of the picture: a cut or another layout [J]
    flat_grey: float = 3.0  # a bar's colours stay within this; a dark wall has more of them [J]
    dark_grey: float = 45.0  # darker flat bars at an edge are a letterbox or a call's canvas [J]
    tear_share: float = 0.55  # of a line's length that must be torn for a cut between two people [J]
    edge_share: float = 0.3  # of a tile's side that must be torn where it meets the canvas [J]
    person_face_share: float = 0.15  # seen less than this share of the most seen person's time: passes through [J]
    people_max: int = 4  # measured; the report takes two of them
    same_person_likeness: float = 0.75  # Bhattacharyya coefficient of head, clothes and surroundings [J]
    boundary_s: float = 0.1  # a change of layout is located this precisely


@dataclass(frozen=True)
class Tracking:
    """Keeping a person's crop on the person."""

    size_ratio_max: float = 1.8  # between neighbouring samples
    reach_sizes: float = 0.8  # how far a face moves between neighbouring samples, in its own sizes
    search_again_s: float = 0.5  # a lost person is searched for in the whole tile this often
    search_body_again_s: float = 9.5  # a body is followed for as long without a search [J]
    forget_s: float = 1.0  # after this a found face must look like the person
    likeness_min: float = 0.55  # of a face found again to the person as surveyed [J]
    background_width_px: int = 320
    background_points: int = 200
    background_points_min: int = 12
    background_inliers_min: float = 0.4


@dataclass(frozen=True)
class Quality:
    """Frame quality 0 unusable, 1 degraded, 2 good (METHOD 1.6), and when a minute is shown."""

    iris_distance_good_px: float = 60.0
    iris_distance_gaze_px: float = 35.0  # below: no gaze, head direction only
    iris_distance_any_px: float = 20.0  # below: nothing
    yaw_good_deg: float = 25.0  # relative to the ray to the camera
    yaw_gaze_max_deg: float = 50.0
    yaw_any_max_deg: float = 60.0
    pitch_good_deg: float = 25.0
    pitch_max_deg: float = 40.0
    residual_good: float = 0.06  # reprojection residual of all 468 points over iris distance
    residual_max: float = 0.12
    circularity_good: float = 0.15
    circularity_max: float = 0.30
    eye_disagreement_good_deg: float = 8.0
    eye_disagreement_max_deg: float = 15.0
    blur_good: float = 40.0  # variance of the Laplacian on the face at 128 x 128
    blur_min: float = 15.0
    track_age_good_s: float = 0.5  # since the face came into view
    track_age_min_s: float = 0.2
    coverage_good: float = 0.75
    coverage_min: float = 0.50  # below: a dash
    last_minute_row_s: float = 1.0  # what is left at the end and shorter than this is no minute [J]
    last_minute_figures_s: float = 15.0  # a shorter last minute has its row and no figures [J]
    hidden_share_max: float = 0.02  # out of the layout for more: no figure for the whole session [J]
    min_valid_minutes: int = 3
    interval_low_pp: float = 25.0  # measurement interval wider: low confidence
    interval_drop_pp: float = 40.0  # wider still: a dash
    minute_difference_pp: float = 20.0  # smaller differences between minutes are not worth a word
    dead_channel_p99: float = 0.02  # a blendshape that never exceeds this is unavailable, never zero


@dataclass(frozen=True)
class Gaze:
    """Eye contact (METHOD 2)."""

    median_s: float = 0.17  # median filter on gaze angles; 5 frames of 30 a second in the source
    saccade_deg_s: float = 60.0
    kde_bandwidth_deg: float = 2.0
    kde_grid_deg: float = 0.5
    kde_half_width_deg: float = 45.0
    candidate_min_relative: float = 0.05
    candidate_neighbourhood_deg: float = 8.0
    candidate_mass_radius_deg: float = 6.0
    weight_partner_speaking: float = 1.0
    weight_silence: float = 0.5
    weight_self_speaking: float = 0.25
    prior_centre_v_deg: float = -8.0
    prior_half_h_deg: float = 20.0
    prior_half_v_deg: float = 16.0
    prior_falloff_deg: float = 6.0
    prior_room_sd_deg: float = 10.0
    prior_room_radius_deg: float = 15.0  # METHOD 2.3 b
    prior_beside_h_deg: tuple[float, float] = (5.0, 45.0)  # a listener outside the picture, METHOD 2.3 c
    prior_side_h_deg: float = 75.0  # a partner beside one, as the camera between two chairs sees it: 60-90 [J]
    body_turn_gap_s: float = 2.5  # the turn of a head without a face is read once a second: two may be bridged [J]
    prior_beside_v_deg: float = 15.0
    confident_h_deg: float = 15.0  # further to the side may as well be a second screen: never `confident` unasked [J]
    prior_confident: float = 0.9  # a target in a less usual place is never `confident` unasked [J]
    listening_ratio_limits: tuple[float, float] = (0.5, 3.0)  # METHOD 2.5.4
    theta_k_sigma: float = 2.6
    theta_min_deg: float = 5.0
    theta_max_deg: float = 10.0
    theta_separation_share: float = 0.5
    out_ratio: float = 1.25
    out_add_deg: float = 2.0
    sigma_floor_deg: float = 1.5
    sigma_radius_deg: float = 5.0
    anisotropy: float = 1.4
    dominance: float = 2.0  # best score over second best, for `confident`
    listening_mass_confident: float = 0.30
    listening_mass_min: float = 0.10
    rival_mass_min: float = 0.05  # a place nearer to the lens, looked at this much, may be the partner instead [S]
    separation_sigma_ok: float = 4.0
    separation_sigma_min: float = 3.0
    fill_gap_s: float = 0.40
    min_episode_s: float = 0.30
    min_away_s: float = 0.20
    blink_on: float = 0.5
    blink_above_rest: float = 0.25  # over the person's own median of eyeBlink: narrow eyes are not closed [J]
    blink_open_share: float = 0.6  # lids open less than this share of the person's median [METHOD 2.6]
    blink_max_s: float = 0.5
    look_down_on: float = 0.5
    look_down_deg: float = 15.0  # lids and head this far below where they are at the target: looking down [J]
    look_down_scale_deg: float = 30.0  # of eyeLookDown = 1, READ FIRST 1 [E]
    look_down_min_s: float = 0.5
    recentre_window_s: float = 600.0
    recentre_max_deg: float = 4.0
    min_data_s: float = 60.0
    camera_zone_v_low_deg: float = -6.0
    camera_zone_v_high_deg: float = 4.0
    camera_zone_h_deg: float = 3.0
    camera_cluster_deg: float = 4.0  # a cluster this near to (0, 0) can stand for the lens once confirmed
    camera_not_separable_deg: float = 7.0
    head_only_theta_deg: float = 12.0
    head_only_scale: float = 2.0  # head directions scatter 6-8 deg where gaze scatters 3-4: radii widened by this [J]
    search_mean_s: float = 0.5  # the target search looks at fixations, not samples: noise falls with the mean [S]
    pair_reach_deg: float = 12.0  # around a place that may be two (close_places)
    pair_cell_deg: float = 1.0
    pair_steps: int = 40
    pair_min_samples: int = 100
    jump_lag_s: float = 2.0  # about the length of a look [E]
    jump_widths: float = 2.0  # of the differences while on one place [S]
    jump_share_min: float = 0.05  # [S]
    interval_centre_deg: float = 1.0  # least uncertainty of the target's centre, METHOD 5.2
    interval_theta: tuple[float, float, float] = (0.8, 1.0, 1.2)
    sync_sd_max_s: float = 0.15  # mutual gaze from two files, METHOD 2.3 d
    blendshape_correlation_min: float = 0.7
    smile_shift_lag_s: float = 1.5  # from before to after the beginning or end of a smile [J]
    smile_shift_mean_s: float = 0.6  # [J]
    smile_shift_change: float = 0.25  # of the smile blendshapes between the two [J]
    smile_shift_most_deg: float = 8.0  # a larger change of gaze is a look elsewhere [J]
    smile_shift_moments: int = 8  # beginnings and ends that are needed [J]
    smile_shift_sd_deg: float = 3.0  # of people, for a full smile: renders [S]
    speech_state_min_s: float = 8.0  # less of a speaking state in a minute gives no figure for it


@dataclass(frozen=True)
class Speech:
    """Who is speaking (METHOD 1.5), and turns."""

    cell_s: float = 0.1  # of the sound table, and so of everything here
    heard_on: float = 0.5  # probability of the speech model
    heard_odds_max: float = 3.0  # logarithm of the odds that one probability of the model is trusted with [J]
    movement_mean_s: float = 0.3
    mouth_gap_s: float = 0.5  # a mouth unseen for longer says nothing
    mouth_min_s: float = 5.0  # seen for less, a mouth says nothing [J]
    usual_movement: tuple[float, float] = (-4.2, -1.7)  # still, as in speech; five real clips: -1.3 to -1.5 in speech,
    # -5.5 to -2.5 without; two rendered calls: -2.1 to -1.4, -5.4 to -3.9
    usual_movement_sd: float = 0.7  # of one person's [E]
    usual_movement_s: float = 10.0  # the usual counts as much as so many seconds of a person's own [J]
    movement_apart: float = 1.5  # standard deviations between still and speech, for a mouth to tell anything [J]
    talking_while_speaking: float = 0.9  # a speaker's mouth moves as in speech this often [J]
    talking_while_silent: float = 0.1  # a listener's does, smiling or chewing [J]
    smile_margin_s: float = 0.2  # before and after, while it rises and falls [J]
    mouth_weight: float = 0.5  # neighbouring 100 ms say partly the same [J]
    channel_apart_db: float = 8.0  # between the two channels' level differences while one and the other speaks [J]
    channel_sd_db: float = 3.0  # of such a difference, at least [J]
    channel_mapping_z: float = 3.0  # standard errors by which the mouths tell whose channel is whose [J]
    pause_s: float = 0.7  # mean lengths and shares of what follows what, which weigh little [J]
    speaking_s: float = 2.0
    overlap_s: float = 0.6
    overlap_share: float = 0.05
    unseen_share: float = 0.02  # of speech, by somebody who is not measured
    sure: float = 0.7  # METHOD 1.5: less sure than this is unknown
    attributed_min: float = 0.6  # METHOD 1.5: less of the speech with a known speaker is not measurable
    overlap_most: float = 0.4  # of the speech; told by the mouths, so much of both at once is no conversation [J]
    heard_min_s: float = 10.0  # less speech is not split by who spoke [J]
    voice_missing_share: float = 0.3  # of the time without speech in which a mouth moves as in speech [J]
    voice_missing_s: float = 20.0  # and so long at least [J]
    unheard_min_s: float = 3.0  # without speech: pauses in a talk are shorter mostly [J]
    unheard_mean_s: float = 2.0  # of how like speech a mouth moves [J]
    unheard_on: float = 0.5  # above: speech that is not in the sound [J]
    voice_margin_s: float = 0.5  # around what is heard, left out of that [J]
    turn_pause_s: float = 1.0  # one's own shorter pauses belong to one's turn, if nobody speaks in them [J]
    turn_min_s: float = 1.0  # shorter is a short response ("mm-hm"), no turn [J]
    answer_max_s: float = 5.0  # a later beginning is no answer to the partner's last turn [J]
    turn_end_s: float = 1.0  # METHOD 2.10: gaze at the end of one's own turn
    turn_ends_min: int = 5  # fewer measured ends give no figure [J]


@dataclass(frozen=True)
class Lean:
    """Forward lean (METHOD 3)."""

    grid_hz: float = 5.0  # clock of the lean series [J]
    median_s: float = 1.0  # running median on the distance [S]
    fill_gap_s: float = 1.0  # a face missing for longer gives unknown [J]
    baseline_window_s: float = 600.0  # rolling [S]
    baseline_step_s: float = 60.0  # [S]
    baseline_min_s: float = 120.0  # measured time a window needs [S]
    kde_bandwidth_cm: float = 0.8  # [S]
    kde_bandwidth_share: float = 0.013  # of the distance, where that is more [S]
    rear_peak_relative: float = 0.25  # height over the main peak's that a rearmost mode needs [S]
    sigma_window_cm: float = 3.0  # sway is judged on samples this near to the baseline [S]
    enter_cm: float = 5.0  # [S]
    enter_k_sigma: float = 3.0  # [S]
    exit_ratio: float = 0.6  # of the enter threshold [S]
    min_episode_s: float = 2.0  # [S]
    merge_s: float = 1.0  # [S]
    segment_min_s: float = 20.0  # measured time a segment needs for a baseline of its own [J]
    camera_segment_min_s: float = 60.0  # the same next to a camera move: a slow zoom leaves only short ones [J]
    trunk_ratio: float = 0.35  # shoulders' over head's approach: below, only the head came forward [J]
    shoulder_visibility: float = 0.6  # [J]
    shoulder_yaw_change_deg: float = 15.0  # [J]
    profile_width_ratio: float = 0.5  # shoulder width over torso length: below, seen from the side [J]
    trunk_enter_deg: float = 8.0  # [J]
    trunk_exit_deg: float = 5.0  # [J]
    trunk_median_s: float = 2.5  # running median on the trunk angle [J]
    body_gap_s: float = 2.5  # shoulders and hips are looked at once or twice a second [J]
    camera_shift_share: float = 0.01  # of the picture's width [J]
    camera_scale_share: float = 0.01  # [J]
    camera_drag_share: float = 0.1  # of the face's change in size: so much a background may seem to follow it [J]
    camera_persist_s: float = 3.0  # a departure of the background must last this long to be a move [J]
    camera_hidden_s: float = 10.0  # so long a background found again where it was may have been hidden [J]
    camera_level_s: float = 5.0  # the background's level at the start of a segment [J]
    camera_margin_s: float = 1.0  # unknown on both sides of a move [J]
    lost_s: float = 5.0  # a face lost for longer may come back in another place [J]
    lost_k_sigma: float = 3.0  # how far that place must be [J]
    lost_compare_s: float = 10.0  # positions compared before and after [J]
    auto_framing_correlation: float = 0.6  # background scale with face scale [J]
    auto_framing_scale_sd: float = 0.004  # of the face, while it moves sideways [J]
    auto_framing_lateral_sd_cm: float = 1.0  # that counts as moving sideways [J]
    auto_framing_turns: int = 4  # zooms of over 1 % with change of direction within a baseline window [J]
    auto_framing_min_s: float = 60.0  # measured time these judgements need [J]
    new_posture_s: float = 180.0  # off the baseline for longer is flagged as a new posture [J]
    short_recording_s: float = 240.0  # shorter segments have one baseline, not a rolling one [S]
    interval_enter_cm: tuple[float, float, float] = (4.0, 5.0, 6.0)  # measurement interval (METHOD 5.2) [J]


@dataclass(frozen=True)
class Mirroring:
    """Facial mirroring (METHOD 4)."""

    grid_hz: float = 10.0
    smooth_s: float = 0.5
    ar1_phi: float = 0.9
    lag_s: float = 2.0
    window_s: float = 60.0
    timeline_window_s: float = 15.0
    timeline_step_s: float = 1.0
    timeline_percentile: float = 95.0
    timeline_min_s: float = 3.0
    timeline_mismatched_windows: int = 4000  # at least as many give the curve's percentile [J]
    timeline_mismatched_min: int = 100  # fewer with expression: no episodes on the curve [J]
    r_clip: float = 0.999
    window_min_valid: float = 0.25  # valid in both, of a mismatched window: what is left of two halves that do not
    # overlap more than by chance; with 0.5, gaps shared by both raise z by 0.7 in unrelated pairs [S]
    sd_floor: float = 0.03
    gap_fill_s: float = 0.5
    gate_sd_sigma: float = 2.0
    quiet_share: float = 0.2
    quiet_window_s: float = 5.0
    min_shift_s: float = 10.0
    shift_step_s: float = 1.0
    min_minutes_percentile: int = 8
    min_minutes_session: int = 5
    min_minutes_expressive: int = 3  # fewer in which both express something: too little to judge [J]
    both_speak_share: float = 0.7  # of a minute: flagged, lips that talk together are not smiles (METHOD 4.2)
    stands_out_p: float = 0.05
    smile_on: float = 0.15
    smile_on_sigma: float = 5.0
    smile_off_ratio: float = 0.5
    smile_min_s: float = 0.4
    smile_merge_s: float = 0.5
    smile_rest_percentile: float = 20.0
    onset_share: float = 0.2
    crosstalk_rounds: int = 5  # of fitting head pose and choosing anew when the person does not smile [J]
    crosstalk_min_s: float = 60.0  # less time without a smile: head pose is not regressed out [J]
    response_min_s: float = 0.2
    response_max_s: float = 2.0
    own_speech_factor: float = 1.5
    leader_exclude_same_camera_s: float = 0.2
    leader_exclude_remote_s: float = 0.4
    leader_min_minutes: int = 10
    bootstrap: int = 1000
    bootstrap_block_minutes: int = 2


@dataclass(frozen=True)
class Probe:
    """The short look at a recording before it is analysed."""

    pieces: int = 10
    piece_s: float = 1.0
    rate_hz: float = 5.0
    sound_piece_s: float = 3.0
    speech_on: float = 0.5  # probability of the speech model
    quiet_db: float = -45.0  # sound whose louder moments stay below [J]
    face_contrast_min: float = 40.0  # grey levels, 5th to 95th percentile of the face: below, too little light [J]
    behind_grey: float = 40.0  # surroundings brighter than a face of little contrast by this: light from behind [J]
    frame_rate_good: float = 25.0  # pictures a second to recommend [J]


@dataclass(frozen=True)
class Preview:
    """The whole of a long session at a glance, while it is still being read."""

    pieces: int = 90  # gaze is looked for in 60 s at least; together they cost what a minute and a half costs
    piece_s: float = 1.0
    least_s: float = 600.0  # a shorter session is read about as soon as looked at [J]


@dataclass(frozen=True)
class Limits:
    """What a process that reads a recording may take before it is ended. Damaged and hostile files, too, must end."""

    # Of one process, resident. Measured: 0.5 GB at 720 lines, 1.6 GB at 8K (H.264, 6 references), 2.8 GB at the largest
    # pictures that are taken (39 megapixels, tests/faults/MEDIA.md).
    memory_mb: int = 3000
    # Of one segment, without a further sample: the slowest decode one in about a second, networks load in three [J].
    silent_s: float = 120.0
    # A step over the whole recording (survey, sound, copy): so long, and for each megabyte more. For an hour of 700 MB
    # that is 50 minutes, where minutes are usual [J].
    step_s: float = 900.0
    step_s_per_mb: float = 3.0
    probe_s: float = 180.0  # the short look takes seconds; a file of 8 GB is read to its end for its times [J]
    probe_s_per_mb: float = 0.1
    unread_max: int = 20  # segments that cannot be read before the whole recording is given up [J]

    def whole_s(self, size_bytes: int) -> float:
        """How long a step over whole recordings of this size may take [s]."""
        return self.step_s + self.step_s_per_mb * size_bytes / 1e6

    def look_s(self, size_bytes: int) -> float:
        """How long the short look at a recording of this size may take [s]."""
        return self.probe_s + self.probe_s_per_mb * size_bytes / 1e6


@dataclass(frozen=True)
class Parameters:
    """All parameters; passed whole to whatever needs one of them, and written into session.json."""

    camera: Camera = field(default_factory=Camera)
    media: Media = field(default_factory=Media)
    sound: Sound = field(default_factory=Sound)
    sampling: Sampling = field(default_factory=Sampling)
    layout: Layout = field(default_factory=Layout)
    tracking: Tracking = field(default_factory=Tracking)
    quality: Quality = field(default_factory=Quality)
    gaze: Gaze = field(default_factory=Gaze)
    speech: Speech = field(default_factory=Speech)
    lean: Lean = field(default_factory=Lean)
    mirroring: Mirroring = field(default_factory=Mirroring)
    probe: Probe = field(default_factory=Probe)
    preview: Preview = field(default_factory=Preview)
    limits: Limits = field(default_factory=Limits)


def replace_parameter(parameters: Parameters, assignment: str) -> Parameters:
    """Parameters with one value changed by an assignment such as ``lean.enter_cm=6``.

    Raises ParameterError when the name does not exist or the value is not of the parameter's type.
    """
    name, equals, text = assignment.partition("=")
    group_name, dot, key = name.strip().partition(".")
    groups = {f.name for f in fields(parameters)}
    if not equals or not dot or group_name not in groups:
        raise ParameterError(
            f"'{assignment}' is not a parameter: write group.name=value, with a group out of "
            f"{', '.join(sorted(groups))}."
        )
    group = getattr(parameters, group_name)
    known = {f.name for f in fields(group)}
    if key not in known:
        raise ParameterError(f"'{group_name}.{key}' does not exist; {group_name} has {', '.join(sorted(known))}.")
    current = getattr(group, key)
    try:
        if isinstance(current, tuple):
            value: object = tuple(float(part) for part in text.split(","))
            if len(value) != len(current):  # type: ignore[arg-type]
                raise ValueError
        else:
            value = type(current)(text)
    except ValueError:
        raise ParameterError(f"'{text}' is not a value for {group_name}.{key}, which is now {current}.") from None
    return replace(parameters, **{group_name: replace(group, **{key: value})})
