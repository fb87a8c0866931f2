// Uploads by the tus protocol. A zone lives as long as the page, by its key and session: what Streamlit mounts,
// moves or takes away is only the place where it is shown. Sizes are bytes, times milliseconds.

const zones = new Map();
const KEPT = "cues.upload ";  // what begins the names in localStorage
const SILENCE_MS = 60_000;    // no byte went out for so long: the connection is lost
const ANSWER_MS = 900_000;    // after the last byte the server reads the whole file once more
const WAITS_MS = [500, 1000, 2000, 4000, 8000, 16_000, 30_000];
const TELL_MS = 1000;         // between two events, so that a script run does not hear only the second
const SPEED_MS = 8000;
const SIGNED_OUT = "You were signed out. Sign in in another tab, then press Resume.";
const LOST = "Connection lost; goes on by itself.";
const UNREADABLE = "This file cannot be read any more: it was changed or moved. Remove it here, or reload the page and choose it again.";
const AT_WORK = ["starting", "sending", "lost", "removing"];
const UNDER_WAY = ["waiting", "paused", "stopped", ...AT_WORK];

export default function ({ parentElement, data, setTriggerValue }) {
  const host = parentElement.querySelector(".drop-zone");
  const name = JSON.stringify([data.zone, data.session]);
  if (!zones.has(name)) zones.set(name, makeZone(data));
  const zone = zones.get(name);
  if (host.zone !== zone) host.zone?.leave(host);
  host.zone = zone;
  zone.show(host, data, setTriggerValue);
  return () => { if (host.zone.leave(host)) zones.delete(name); };
}

// --- the protocol

class Lost extends Error {}
class Refused extends Error {
  constructor(status, sentence) { super(sentence); this.status = status; }
}

function ask(method, url, { headers = {}, body = null, signal = null, sent = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let silence = 0;
    const wait = (ms) => { clearTimeout(silence); silence = setTimeout(() => request.abort(), ms); };
    const stop = () => request.abort();
    request.open(method, url);
    request.setRequestHeader("Tus-Resumable", "1.0.0");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => { wait(SILENCE_MS); sent(event.loaded); };
    request.upload.onload = () => wait(ANSWER_MS);
    request.onloadend = () => {
      clearTimeout(silence);
      signal?.removeEventListener("abort", stop);
      if (request.status) resolve(request);
      else reject(new Lost());
    };
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) { reject(new Lost()); return; }
    wait(SILENCE_MS);
    request.send(body);
  });
}

function checked(request, status) {
  if (request.status === status) return request;
  const plain = (request.getResponseHeader("Content-Type") || "").startsWith("text/plain");
  throw new Refused(request.status, plain ? request.responseText.trim().slice(0, 400) : "");
}

function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

const textBase64 = (text) => base64(new TextEncoder().encode(text));

// Browsers have crypto.subtle only on https and on this machine.
async function checksum(piece) {
  if (!globalThis.crypto?.subtle) return {};
  const digest = await crypto.subtle.digest("SHA-256", piece);
  return { "Upload-Checksum": `sha256 ${base64(new Uint8Array(digest))}` };
}

// --- what the browser remembers of unfinished uploads

const keptAs = (row) => KEPT + JSON.stringify([row.session, row.name, row.size, row.modified]);

function remember(row) {
  const { session, name, size, modified, url, offset } = row;
  try {
    localStorage.setItem(keptAs(row), JSON.stringify({ session, name, size, modified, url, offset }));
  } catch (problem) {
    row.note = "This browser remembers nothing: keep the page open until the upload has ended.";
  }
}

function forget(row) {
  try { localStorage.removeItem(keptAs(row)); } catch (problem) { return; }  // what cannot be stored is not there
}

function kept(session) {
  const found = [];
  try {
    for (const name of Object.keys(localStorage)) {
      if (!name.startsWith(KEPT)) continue;
      const row = JSON.parse(localStorage.getItem(name));
      if (row.session === session) found.push(row);
    }
  } catch (problem) {
    return found;
  }
  return found;
}

// --- words

function sizeWords(count) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (count >= size) return `${(count / size).toFixed(1)} ${unit}`;
  }
  return `${count} bytes`;
}

function timeWords(seconds) {
  const several = (count, unit) => `${count} ${unit}${count === 1 ? "" : "s"}`;
  if (seconds < 10) return "a few seconds left";
  if (seconds < 55) return "less than a minute left";
  const minutes = Math.max(Math.round(seconds / 60), 1);
  if (minutes < 60) return `about ${several(minutes, "minute")} left`;
  const rest = Math.round((minutes % 60) / 10) * 10;
  return `about ${several(Math.floor(minutes / 60) + (rest === 60 ? 1 : 0), "hour")}${rest % 60 ? ` ${rest} minutes` : ""} left`;
}

const percent = (row) => Math.floor((100 * Math.min(row.offset + row.flying, row.size)) / row.size);

function made(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// --- a zone

function makeZone(first) {
  let data = first, host = null, tell = null, telling = 0, over = 0, warned = false, clock = 0;
  const session = first.session, rows = [], untold = [];
  const wakers = new Set();

  const choose = made("button", { type: "button" });
  const input = made("input", { type: "file", hidden: "", tabindex: "-1", "aria-hidden": "true" });
  const call = made("p", { class: "call" }), hint = made("p", { class: "hint" });
  const area = made("div", { class: "area" }, call, choose, input, hint);
  const list = made("ul", { "aria-label": "Files" });
  const said = made("p", { class: "said", role: "status", "aria-live": "polite" });
  const root = made("div", {}, area, list, said);

  choose.addEventListener("click", () => input.click());
  input.addEventListener("change", () => { take([...input.files]); input.value = ""; });
  area.addEventListener("dragenter", (event) => { event.preventDefault(); over += 1; area.classList.add("over"); });
  area.addEventListener("dragleave", () => { over -= 1; if (!over) area.classList.remove("over"); });
  area.addEventListener("dragover", (event) => { event.preventDefault(); event.dataTransfer.dropEffect = "copy"; });
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    over = 0;
    area.classList.remove("over");
    take([...event.dataTransfer.files]);
  });

  for (const old of kept(session).filter(({ name }) => wanted(name))) {
    const row = addRow({ ...old, state: "waiting" });
    const choice = ask("HEAD", row.url).then((answer) => look(row, answer));
    choice.catch((problem) => { if (!(problem instanceof Lost)) throw problem; });  // its row stays as remembered
  }
  paint();

  // What the server has of a remembered upload, before its file is chosen again.
  function look(row, answer) {
    if (row.state !== "waiting") return;
    if (answer.status === 404) {
      forget(row);
      drop(row);
    } else if (answer.status === 200) {
      row.offset = Number(answer.getResponseHeader("Upload-Offset"));
      if (row.offset === row.size) finish(row);
    }
    paint();
  }

  // --- which files come in

  function take(files) {
    for (const file of files) {
      const known = rows.find((row) => row.name === file.name && row.size === file.size
        && row.modified === file.lastModified && UNDER_WAY.includes(row.state));
      if (known && known.file) say(`${file.name} is in the list already.`);
      else if (known) begin(known, file);
      else if (refusal(file)) refuse(file, refusal(file));
      else begin(addRow({ session, name: file.name, size: file.size, modified: file.lastModified, url: "", offset: 0 }), file);
    }
    paint();
  }

  function refusal(file) {
    const { suffixes, largest, most } = data;
    if (!wanted(file.name)) {
      return `This is none of the files that can be used here: ${suffixes.join(", ")}.`;
    }
    if (!file.size) return "This file is empty.";
    if (file.size > largest) return `This file has ${sizeWords(file.size)}; at most ${sizeWords(largest)} are allowed.`;
    if (unfinished() >= most) {
      const others = rows.some((row) => row.state === "waiting") ? " Choose the unfinished one again, or remove it first." : "";
      return `${most === 1 ? "Only one file is" : `Only ${most} files are`} wanted here.${others}`;
    }
    return "";
  }

  function wanted(name) {
    return !data.suffixes.length || data.suffixes.some((suffix) => name.toLowerCase().endsWith(suffix));
  }

  function unfinished() { return rows.filter((row) => UNDER_WAY.includes(row.state)).length; }

  function refuse(file, sentence) {
    for (const row of rows.filter((r) => r.state === "refused" && r.name === file.name)) drop(row);
    const row = addRow({ session, name: file.name, size: file.size, modified: 0, url: "", offset: 0, state: "refused" });
    row.sentence = sentence;
    say(`${file.name}: ${sentence}`);
  }

  // --- one upload

  function begin(row, file) {
    for (const old of rows.filter((r) => r.state === "refused" || r.state === "done")) drop(old);
    row.file = file;
    say(`${row.name}: upload begins.`);
    go(row);
  }

  function go(row) {
    Object.assign(row, { state: "starting", sentence: "", unsure: Boolean(row.url), again: false, speeds: [] });
    row.stop = new AbortController();
    row.task = work(row, row.stop.signal);
    paint();
  }

  async function work(row, signal) {
    let failures = 0;
    while (!signal.aborted) {
      const before = row.offset;
      try {
        await send(row, signal);
        if (!signal.aborted) finish(row);
        return;
      } catch (problem) {
        row.flying = 0;
        row.unsure = Boolean(row.url);
        if (signal.aborted) return;
        if (row.offset > before) failures = 0;
        const words = passing(problem);
        if (!words) { stopFor(row, problem); return; }
        if (row.state !== "lost") say(`${row.name}: ${words}`);
        Object.assign(row, { state: "lost", sentence: words });
        paint();
        await pause(WAITS_MS[Math.min(failures, WAITS_MS.length - 1)], signal);
        failures += 1;
      }
    }
  }

  // Sends what is missing; ends when the server has it all.
  async function send(row, signal) {
    if (!row.url) await create(row);
    else if (row.unsure) await find(row, signal);
    row.unsure = false;
    while (row.offset < row.size && !signal.aborted) {
      const piece = await row.file.slice(row.offset, row.offset + data.piece).arrayBuffer();
      const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": row.offset, ...await checksum(piece) };
      const sent = (bytes) => {
        row.flying = bytes;
        if (row.state !== "sending") Object.assign(row, { state: "sending", sentence: "" });
        if (row.offset + bytes === row.size) row.allSent = true;
        paint();
      };
      const answer = checked(await ask("PATCH", row.url, { headers, body: piece, signal, sent }), 204);
      Object.assign(row, { offset: Number(answer.getResponseHeader("Upload-Offset")), flying: 0 });
      remember(row);
      paint();
    }
  }

  // Not to be broken off: an upload whose address nobody learned could not be removed.
  async function create(row) {
    const metadata = [["filename", row.name], ["session", session]].filter(([, value]) => value);
    const answer = checked(await ask("POST", data.address, { headers: {
      "Upload-Length": row.size,
      "Upload-Metadata": metadata.map(([name, value]) => `${name} ${textBase64(value)}`).join(","),
    } }), 201);
    Object.assign(row, { url: new URL(answer.getResponseHeader("Location"), location.href).pathname, offset: 0 });
    remember(row);
  }

  async function find(row, signal) {
    const answer = checked(await ask("HEAD", row.url, { signal }), 200);
    if (Number(answer.getResponseHeader("Upload-Length")) !== row.size) throw new Refused(404, "");
    row.offset = Number(answer.getResponseHeader("Upload-Offset"));
    if (row.offset && row.offset < row.size) {
      row.note = `Goes on at ${percent(row)} %.`;
      say(`${row.name}: ${row.note}`);
      row.words.textContent = row.note;
    }
    remember(row);
  }

  // What to say of a problem that passes by itself; "" when it does not.
  function passing(problem) {
    if (problem instanceof Lost) return LOST;
    if (!(problem instanceof Refused)) return "";
    if (problem.status === 408) return LOST;
    if (problem.status === 409 || problem.status === 460) return "A part has to be sent again; goes on by itself.";
    if (problem.status === 423) return "The server still waits for an earlier connection, or another tab uploads this file; goes on by itself.";
    if (problem.status >= 500 && problem.status !== 507) return `The server has a problem (${problem.status}); tries again by itself.`;
    return "";
  }

  function stopFor(row, problem) {
    if (problem instanceof DOMException) row.sentence = UNREADABLE;
    else if (!(problem instanceof Refused)) throw problem;
    else if (problem.status === 404 && row.allSent) {
      // The last piece went out and its answer was lost; the server has since put the recording where it belongs.
      finish(row);
      row.sentence = "Sent to the end. The connection broke just then: look whether it is in the session.";
      return;
    } else if (problem.status === 401) row.sentence = SIGNED_OUT;
    else if (problem.status === 404) {
      row.again = true;
      row.sentence = `${problem.message || "There is no such upload."} It was finished, removed, or left too long. "Start again" sends the whole file.`;
    } else row.sentence = problem.message || `The server refused it (${problem.status}).`;
    row.final = problem instanceof DOMException || [400, 412, 413, 415].includes(problem.status);
    row.state = "stopped";
    say(`${row.name}: ${row.sentence}`);
    paint();
  }

  function finish(row) {
    Object.assign(row, { state: "done", offset: row.size, flying: 0, note: "", file: null });
    forget(row);
    say(`${row.name}: uploaded.`);
    untold.push({ id: row.url.split("/").pop(), name: row.name, size: row.size });
    tellNext();
    paint();
  }

  // Never while Streamlit mounts the component: an event would be lost then.
  function tellNext() {
    if (telling || !untold.length || !tell) return;
    tell("uploaded", untold.shift());
    telling = setTimeout(() => { telling = 0; tellNext(); }, TELL_MS);
  }

  function pause(ms, signal) {
    return new Promise((resolve) => {
      const end = () => { clearTimeout(timer); wakers.delete(end); signal.removeEventListener("abort", end); resolve(); };
      const timer = setTimeout(end, ms);
      wakers.add(end);
      signal.addEventListener("abort", end);
    });
  }

  // --- what is pressed

  function pauseOrGo(row) {
    if (row.state === "paused" || row.state === "stopped") {
      if (row.again) { forget(row); Object.assign(row, { url: "", offset: 0, note: "", allSent: false }); }
      const before = row.task;
      row.state = "starting";
      paint();
      Promise.resolve(before).then(() => { if (row.state === "starting") go(row); });
    } else {
      row.state = "paused";
      row.stop.abort();
      say(`${row.name}: paused.`);
      paint();
    }
  }

  async function remove(row) {
    if (row.state === "refused" || row.state === "done") { leaveList(row); return; }
    Object.assign(row, { state: "removing", sentence: "" });
    row.stop?.abort();
    paint();
    await row.task;
    try {
      const answer = row.url ? await ask("DELETE", row.url) : null;
      if (answer && ![204, 404, 410].includes(answer.status)) checked(answer, 204);
      forget(row);
      say(`${row.name}: removed.`);
      leaveList(row);
    } catch (problem) {
      if (!(problem instanceof Lost || problem instanceof Refused)) throw problem;
      row.state = row.file ? "stopped" : "waiting";
      if (problem instanceof Lost) row.sentence = "The server could not be reached and still has what was sent. Press Remove again later.";
      else row.sentence = problem.status === 401 ? SIGNED_OUT.replace("Resume", "Remove") : problem.message || `The server refused it (${problem.status}).`;
      say(`${row.name}: ${row.sentence}`);
      paint();
    }
  }

  function leaveList(row) {
    const focused = row.item.contains(row.item.getRootNode().activeElement);
    drop(row);
    paint();
    if (focused) choose.focus();
  }

  // --- what is shown

  function addRow(values) {
    const row = { flying: 0, file: null, sentence: "", note: "", unsure: false, again: false, final: false, allSent: false,
      speeds: [], stop: null, task: null, state: "starting", ...values };
    const button = (act) => {
      const element = made("button", { type: "button" });
      element.addEventListener("click", () => act(row));
      return element;
    };
    row.fill = made("div", { class: "fill" });
    row.track = made("div", { class: "track", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": row.name }, row.fill);
    row.words = made("p", { class: "words" });
    row.play = button(pauseOrGo);
    row.away = button(remove);
    row.item = made("li", {},
      made("div", { class: "line" }, made("span", { class: "name" }, row.name), made("span", { class: "size" }, sizeWords(row.size))),
      row.track,
      made("div", { class: "line" }, row.words, made("div", { class: "buttons" }, row.play, row.away)));
    rows.push(row);
    list.append(row.item);
    return row;
  }

  function drop(row) {
    rows.splice(rows.indexOf(row), 1);
    row.item.remove();
  }

  function say(sentence) { said.textContent = sentence; }

  function speedWords(row) {
    const now = performance.now(), there = row.offset + row.flying;
    if (!row.speeds.length || now - row.speeds[row.speeds.length - 1][0] > 250) row.speeds.push([now, there]);
    while (row.speeds.length > 2 && now - row.speeds[0][0] > SPEED_MS) row.speeds.shift();
    const [then, was] = row.speeds[0], speed = (there - was) / ((now - then) / 1000);
    if (now - then < 1500 || speed <= 0) return "";
    return `${sizeWords(Math.round(speed))} per second, ${timeWords((row.size - there) / speed)}`;
  }

  function wordsOf(row) {
    const share = `${percent(row)} %`;
    switch (row.state) {
      case "waiting": return row.sentence || `Unfinished, ${share} are there: choose the same file again to go on.`;
      case "starting": return row.note || "Starting …";
      case "paused": return `Paused at ${share}.`;
      case "removing": return "Removing …";
      case "done": return row.sentence || "Uploaded.";
      case "sending": {
        if (row.offset + row.flying === row.size) return "100 % · The server looks through the whole file …";
        return [share, speedWords(row), row.note].filter(Boolean).join(" · ");
      }
      default: return row.sentence;
    }
  }

  function label(button, words, row, shown = true) {
    button.hidden = !shown;
    if (button.textContent !== words) button.textContent = words;
    button.setAttribute("aria-label", `${words} ${row.name}`);
  }

  function paint() {
    for (const row of rows) {
      row.item.dataset.state = row.state;
      row.track.hidden = row.state === "refused";
      row.track.setAttribute("aria-valuenow", percent(row));
      row.fill.style.width = `${(100 * Math.min(row.offset + row.flying, row.size)) / (row.size || 1)}%`;
      const now = performance.now();
      // Figures that change with every byte cannot be read: once a second is enough.
      if (row.shown !== row.state || row.state !== "sending" || now - row.painted > 1000) {
        row.words.textContent = wordsOf(row);
        row.painted = now;
        row.shown = row.state;
      }
      const resumable = row.state === "paused" || (row.state === "stopped" && !row.final && row.file);
      const pausable = ["starting", "sending", "lost"].includes(row.state);
      label(row.play, resumable ? (row.again ? "Start again" : "Resume") : "Pause", row, resumable || pausable);
      label(row.away, row.state === "refused" || row.state === "done" ? "Dismiss" : "Remove", row);
      row.away.disabled = row.state === "removing";
    }
    list.hidden = !rows.length;
    const busy = rows.some((row) => AT_WORK.includes(row.state) && row.state !== "removing");
    if (busy !== warned) {
      warned = busy;
      window[busy ? "addEventListener" : "removeEventListener"]("beforeunload", warn);
      window[busy ? "addEventListener" : "removeEventListener"]("online", wake);
      clearInterval(clock);
      if (busy) clock = setInterval(paint, 1000);
    }
    invite();
  }

  function invite() {
    const { suffixes, largest, most } = data, waiting = rows.some((row) => row.state === "waiting");
    const full = unfinished() >= most && !waiting;
    choose.disabled = full;
    choose.textContent = most > 1 ? "Choose files" : "Choose a file";
    call.textContent = full ? "No further file is wanted here." : `Drop your ${data.what}${most > 1 ? "s" : ""} here`;
    const kinds = suffixes.length ? `${suffixes.join(" ")} · ` : "";
    hint.textContent = `${kinds}up to ${sizeWords(largest)}${most > 1 ? ` · up to ${most} files` : ""}`;
    input.multiple = most > 1;
    input.accept = suffixes.join(",");
  }

  function warn(event) { event.preventDefault(); }
  function wake() { for (const end of [...wakers]) end(); }
  // A file that misses the area must not replace the page.
  function missed(event) {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  }

  return {
    show(place, given, tellPage) {
      data = given;
      tell = tellPage;
      if (host !== place || root.parentNode !== place) {
        host = place;
        place.replaceChildren(root);
        window.addEventListener("dragover", missed);
        window.addEventListener("drop", missed);
      }
      if (untold.length && !telling) telling = setTimeout(() => { telling = 0; tellNext(); }, TELL_MS);
      paint();
    },
    // True when nothing is lost by letting the zone go.
    leave(place) {
      if (host !== place) return false;
      host = tell = null;
      root.remove();
      window.removeEventListener("dragover", missed);
      window.removeEventListener("drop", missed);
      return !untold.length && !rows.some((row) => row.file);
    },
  };
}
