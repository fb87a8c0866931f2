// Video and timeline on one clock. Built once; later calls bring new data. Times are seconds of the video.

const BLUE = "#2F7FB8", AMBER = "#B8740F", ROSE = "#B8629A", TEAL = "#2F8F83", GREY = "#7F858D";
const NAME_PX = 92, RULER_PX = 22, GAP_PX = 5, PERSON_PX = 20;
const SHORTEST_S = 10;
const LANES = [
  { key: "speech", name: "Speaking", height: 12 },  // no cue: nothing to share without, or to judge
  { key: "eye_contact", name: "Eye contact", height: 20, cue: "eye_contact" },
  { key: "forward_lean", name: "Lean", height: 48, cue: "forward_lean" },
  { key: "smiles", name: "Smiles", height: 20, cue: "facial_mirroring" },
];
const LEAN_MM = 150;  // the lane shows this much to either side of the usual posture
const PROPOSED = "proposed", EVERY = "every";  // of the choice of moments, beside their kinds
const NOT_DRAWN = 4;  // of the proposed ones; the others were drawn at random (moments.py)
const STEPS_S = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1200];
const KEYS = [
  ["Space", "play or pause"], ["← →", "5 seconds back or on"], ["Shift ← →", "30 seconds back or on"],
  [", .", "one picture back or on"], ["n p", "next or previous moment"], ["+ −", "zoom in or out"], ["0", "whole session"],
  ["o", "drawing on the picture"], ["[ ]", "mark a stretch from here, to here"], ["Shift + drag", "mark a stretch"],
  ["c", "comment here, or on the marked stretch"], ["Enter", "keep the comment; Shift Enter: a new line"],
  ["v", "verdicts on or off"], ["e Shift e", "next or previous episode"], ["a d", "agree, disagree"],
  ["t", "move its ends to the marked stretch"], ["i", "add the marked stretch"], ["w", "no verdict on it"],
  ["z y", "undo, redo"], ["Esc", "leave the comment or the mark"], ["?", "this list"],
];
const CUES = { eye_contact: "eye_contact", forward_lean: "forward_lean", smiles: "smile" };  // of a lane, in the table of episodes
const KINDS = { eye_contact: [["eye_contact", "eye contact"]], forward_lean: [["forward", "lean forward"], ["back", "lean back"]], smiles: [["smile", "smile"]] };
const NEAR_PX = 7;  // so near to an end of an episode it is the end that is dragged
const SHORTEST_EPISODE_S = 0.2;
const IDLE_MS = 200;  // between two looks at the page while nothing plays
const APART_S = 0.25, NEARLY_S = 0.03;  // a second video further off jumps, one nearly there is left alone
const AGAIN_MS = 3000;  // what the page has not taken by then is told it again; the wait doubles, so that a slow page comes to an end
const FACE_S = 0.3, SHOULDERS_S = 1.2;  // what was seen longer ago is not drawn

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".session-player");
  if (!root.player) root.player = build(root, setTriggerValue);
  root.player.update(data);
  return () => { root.player.end(); root.player = null; root.replaceChildren(); };
}

function build(root, tell) {
  const made = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const videoNamed = (name) => made("video", { playsinline: "", preload: "metadata", tabindex: "-1", "aria-label": name });
  const video = videoNamed("Recording"), second = videoNamed("Second recording");
  const sheets = [made("canvas", { class: "drawing", "aria-hidden": "true" }), made("canvas", { class: "drawing", "aria-hidden": "true" })];
  const screens = made("div", { class: "screens" }, ...[video, second].map((one, k) => made("div", { class: "screen" }, one, sheets[k])));
  second.parentElement.hidden = true;
  const button = (words, label, act) => {
    const element = made("button", { type: "button", "aria-label": label, title: label }, words);
    element.addEventListener("click", act);
    return element;
  };
  const clock = made("span", { class: "clock" }, "0:00");
  const play = button("Play", "Play or pause (space)", toggle);
  const speed = made("select", { "aria-label": "Playback speed" });
  for (const rate of [0.5, 0.75, 1, 1.25, 1.5, 2]) {
    speed.append(made("option", { value: rate, ...(rate === 1 ? { selected: "" } : {}) }, `${rate}×`));
  }
  speed.addEventListener("change", () => { video.playbackRate = second.playbackRate = Number(speed.value); });
  const sound = made("select", { "aria-label": "Whose sound", hidden: "" });
  for (const [value, words] of [["both", "sound of both"], ["first", "first sound"], ["second", "second sound"]]) {
    sound.append(made("option", { value }, words));
  }
  sound.addEventListener("change", () => { video.muted = sound.value === "second"; second.muted = sound.value === "first"; });
  const kind = made("select", { "aria-label": "Which moments" });
  const previous = button("‹ Moment", "Previous moment (p)", () => jump(-1));
  const next = button("Moment ›", "Next moment (n)", () => jump(1));
  const client = button("Client", "Show the client's lanes too", () => {
    everybody = !everybody;
    client.setAttribute("aria-pressed", everybody);
    lay();
  });
  client.setAttribute("aria-pressed", "false");
  const drawing = button("Overlay", "Draw on the picture what was measured (o)", () => {
    overlaid = !overlaid;
    drawing.setAttribute("aria-pressed", overlaid);
    explained.hidden = !overlaid;
    draw(true);
  });
  drawing.setAttribute("aria-pressed", "false");
  const explained = made("p", { class: "legend", hidden: "" },
    "Frame: the face. Ray: where the gaze points as the camera sees it, a point when into the lens; blue when toward the partner. Ring: the partner's zone, where it is known. Line: shoulders. What is not drawn was not measured.");
  const out = button("−", "Zoom out (−)", () => zoom(2));
  const into = button("+", "Zoom in (+)", () => zoom(0.5));
  const marking = button("Mark", "Mark a stretch by dragging (or Shift and drag)", () => {
    marks = !marks;
    marking.setAttribute("aria-pressed", marks);
  });
  marking.setAttribute("aria-pressed", "false");
  const comment = button("Comment", "Comment at this time or on the marked stretch (c)", write);
  const about = made("select", { "aria-label": "What the comment is about" });
  const box = made("textarea", { rows: "2" });
  const where = made("p", { class: "where" });
  const form = made("form", { class: "comment", hidden: "" }, where, box, made("div", { class: "bar" }, about,
    made("span", { class: "room" }), button("Cancel", "Leave the comment (Esc)", leave), made("button", { type: "submit" }, "Add the comment")));
  const judge = button("Verdicts", "Say what you think of the episodes (v)", () => {
    judging = !judging;
    judge.setAttribute("aria-pressed", judging);
    panel.hidden = !judging;
    if (!judging) picked = null;
    tellPicked();
    draw(true);
  });
  judge.setAttribute("aria-pressed", "false");
  const about_it = made("p", { class: "picked", role: "status" });
  const laneOf = made("select", { "aria-label": "What the marked stretch is" });
  const agree = button("Agree", "Agree with this episode (a)", () => say("agree"));
  const disagree = button("Disagree", "Disagree with this episode (d)", () => say("disagree"));
  const adjust = button("Move its ends", "Move its ends to the marked stretch (t); or drag its ends", () => say("adjust"));
  const withdraw = button("No verdict", "Take your verdict on it back (w)", () => say("withdraw"));
  const add = button("Add", "Add the marked stretch: the tool missed it (i)", addMarked);
  const undo = button("Undo", "Undo your last verdict (z)", () => act("undo"));
  const redo = button("Redo", "Bring back what was undone (y)", () => act("redo"));
  const panel = made("div", { class: "judging", hidden: "" }, about_it,
    made("div", { class: "bar" }, button("‹ Episode", "Previous episode (Shift e)", () => episode(-1)), button("Episode ›", "Next episode (e)", () => episode(1)),
      agree, disagree, adjust, withdraw, made("span", { class: "room" }), undo, redo),
    made("div", { class: "bar" }, made("span", {}, "The marked stretch is"), laneOf, add));
  const help = made("dialog", { "aria-label": "Keys" });
  const keys = made("dl");
  for (const [key, words] of KEYS) keys.append(made("dt", {}, key), made("dd", {}, words));
  help.append(keys, button("Close", "Close", () => help.close()));
  const question = button("?", "Keys (?)", () => help.showModal());
  const bar = made("div", { class: "bar" }, play, speed, sound, clock, made("span", { class: "room" }), previous, kind,
    next);
  const tools = made("div", { class: "bar" }, client, drawing, out, into, made("span", { class: "room" }), marking, judge, comment, question);
  const lanes = made("canvas", { class: "lanes", tabindex: "0", role: "slider", "aria-label": "Time in the recording",
    "aria-valuemin": "0" });
  const whole = made("canvas", { class: "whole", "aria-hidden": "true" });
  const said = made("p", { class: "said", role: "status" });
  const legend = made("p", { class: "legend" },
    "Hatched: could not be measured. Lean: up is nearer to the camera than usual, marks at 5 and 10 cm. Lines join the two smiles of a shared smile. Verdicts: underlined, agreed; dashed, not agreed; outlined, other ends or added.");
  const list = made("ol", { class: "moments", "aria-label": "Moments to look at" });
  root.append(screens, explained, bar, tools, lanes, whole, panel, form, legend, said, list, help);

  let session = null, moments = [], chosen = [], comments = [], everybody = false, addresses = "", wanted = null;
  let overlaid = false, overlays = new Map(), overlayAddress = "", pair = null;
  let marks = false, marked = null, markedCue = "", until = null, sending = null;  // a marked stretch; where playing ends
  let judging = false, picked = null, given = [], asked = [], review = {}, pulled = null;  // picked: an episode; asked: acts on their way
  let insisting = 0;
  let from = 0, to = 1, rows = [], picture = null, pictureKey = "", drawn = "", ended = false, frame = 0, idle = 0;

  // --- the clock

  function toggle() { if (video.paused) video.play().catch(failed); else video.pause(); }
  function failed() { said.textContent = "The recording cannot be played here. The timeline can still be read."; }
  function length() { return session ? session.duration : Math.max(video.duration || 1, 1); }
  function seek(time) {
    wanted = Math.min(Math.max(time, 0), length());
    video.currentTime = wanted;
    if (pair) second.currentTime = inSecond(wanted);
    show(wanted);
    draw(true);
  }
  const inSecond = (time) => Math.max(time * (1 + pair.drift_ppm / 1e6) + pair.offset_s, 0);
  function follow() {  // keeps the second video where the first is
    if (!pair || second.readyState < 1) return;
    const waits = video.paused || video.ended || video.seeking, wants = inSecond(now());
    const outside = now() * (1 + pair.drift_ppm / 1e6) + pair.offset_s < 0 || wants >= second.duration;
    if ((waits || outside) !== second.paused) { if (second.paused) second.play().catch(() => {}); else second.pause(); }
    const behind = wants - second.currentTime;
    if (outside || second.seeking) return;
    if (Math.abs(behind) > (waits ? NEARLY_S : APART_S)) second.currentTime = wants;
    else second.playbackRate = video.playbackRate * (Math.abs(behind) > NEARLY_S ? 1 + Math.sign(behind) * 0.06 : 1);
  }
  function now() { return video.seeking && wanted !== null ? wanted : video.currentTime; }
  function show(time) {  // moves the window so that a time is inside it
    if (time < from || time > to) window_(time - (to - from) * 0.2, to - from);
  }
  function window_(start, width) {
    width = Math.min(Math.max(width, Math.min(SHORTEST_S, length())), length());
    from = Math.min(Math.max(start, 0), length() - width);
    to = from + width;
    draw(true);
  }
  function zoom(factor, around = Math.min(Math.max(now(), from), to)) {
    const share = (around - from) / (to - from), width = Math.min(Math.max((to - from) * factor, SHORTEST_S), length());
    window_(around - share * width, width);
  }
  function jump(way) {
    const time = now(), ahead = chosen.filter((m) => (way > 0 ? m.start > time + 0.3 : m.start < time - 1.5));
    const moment = way > 0 ? ahead[0] : ahead[ahead.length - 1];
    said.textContent = moment ? `${spoken(moment.start)} ${moment.words}` : "There is no further moment this way.";
    if (!moment) return;
    seek(Math.max(moment.start - 1, 0));
    if (judging) pick(everyEpisode().find((e) => Math.abs(e.start - moment.start) < 0.02 && Math.abs(e.end - moment.end) < 0.02) || null);
  }
  function choose() {
    const fits = { [PROPOSED]: (m) => m.proposed, [EVERY]: () => true }[kind.value] || ((m) => m.kind === kind.value);
    chosen = moments.filter(fits).sort((a, b) => a.start - b.start);
    previous.disabled = next.disabled = !chosen.length;
    list.replaceChildren(...chosen.map((m) => {
      const open = made("button", { type: "button" }, made("span", { class: "time" }, shown(m.start)), m.words);
      open.addEventListener("click", () => { seek(Math.max(m.start - 1, 0)); video.play().catch(failed); });
      return made("li", {}, open);
    }));
    draw(true);
  }
  kind.addEventListener("change", choose);

  // --- comments

  function mark(one, other) {
    marked = one === null ? null : [Math.max(Math.min(one, other), 0), Math.min(Math.max(one, other), length())];
    tellPicked();
    draw(true);
  }
  function saySpan() {
    if (marked) said.textContent = `Marked from ${spoken(marked[0])} to ${spoken(marked[1])}. Comment on it with c.`;
  }
  const tenth = (time) => Math.round(time * 10) / 10;
  function write() {
    video.pause();
    const [start, end] = marked || [now(), null];
    form.span = { start: tenth(start), end: end === null ? null : tenth(end) };
    box.setAttribute("aria-label", end === null ? `Comment at ${shown(start)}` : `Comment on ${shown(start)} to ${shown(end)}`);
    where.textContent = box.getAttribute("aria-label");
    const cues = LANES.filter((lane) => lane.cue && rows.some((row) => row.key === lane.key));
    about.replaceChildren(made("option", { value: "" }, "on the whole"), ...cues.map((lane) => made("option", { value: lane.cue }, `on ${lane.name.toLowerCase()}`)));
    about.value = marked && cues.some((lane) => lane.cue === markedCue) ? markedCue : "";
    form.hidden = false;
    box.focus();
  }
  function leave() {
    form.hidden = true;
    mark(null);
    lanes.focus();
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text) return;
    sending = { id: drawnId(), ...form.span, cue: about.value || null, text };
    said.textContent = "Keeping the comment …";
    tell("comment", sending);
    insist(AGAIN_MS);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) form.requestSubmit();
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // --- verdicts

  const same = (one, other) => ["person", "cue", "kind", "start", "end"].every((name) => one[name] === other[name]);
  const verdictOn = (e) => given.find((v) => same(v, e));
  const titleOf = (e) => {
    const row = rows.find((r) => r.key && r.person === e.person), who = session.people.find((p) => p.person === e.person);
    return `${who && session.people.length > 1 ? `${who.role}, ` : ""}${row ? Object.values(KINDS).flat().concat([["head_forward", "lean forward"]]).find(([kind]) => kind === e.kind)[1] : ""}`;
  };
  function judged(row) {  // the episodes of a lane, the tool's and those that were added
    if (!row.cue) return [];
    if (!row.key || row.content.method === "head_only") return [];
    const cue = CUES[row.key], lane = { person: row.person, cue };
    const own = row.content.episodes.map((e) => ({ ...lane, kind: e.kind || KINDS[row.key][0][0], start: e.start, end: e.end }));
    return own.concat(given.filter((v) => v.word === "add" && v.person === row.person && v.cue === cue)).sort((a, b) => a.start - b.start);
  }
  const everyEpisode = () => rows.flatMap(judged);
  const spanOf = (e) => { const v = verdictOn(e); return v && v.word === "adjust" ? [v.new_start, v.new_end] : [e.start, e.end]; };
  function pick(e) {
    picked = e;
    tellPicked();
    draw(true);
  }
  function tellPicked() {
    const words = { agree: "You agree.", disagree: "You disagree.", adjust: "You moved its ends.", add: "You added it." };
    const verdict = picked && verdictOn(picked), [start, end] = picked ? spanOf(picked) : [0, 0];
    about_it.textContent = picked ? `${titleOf(picked)}, ${tenths(start)} to ${tenths(end)}. ${verdict ? words[verdict.word] : "No verdict yet."}`
      : "Click an episode on the timeline, or go through them with e. Drag the ends of the one that is picked to move them.";
    agree.disabled = disagree.disabled = !picked || Boolean(verdict && verdict.word === "add");
    adjust.disabled = !picked || !marked || Boolean(verdict && verdict.word === "add");
    withdraw.disabled = !verdict;
    add.disabled = !marked;
  }
  function episode(way) {
    const row = rows.find((r) => picked && r.person === picked.person && CUES[r.key] === picked.cue) || rows.find((r) => r.key && judged(r).length);
    const all = row ? judged(row) : [], time = picked ? picked.start : now();
    const ahead = all.filter((e) => (way > 0 ? e.start > time + 0.001 : e.start < time - 0.001));
    const next_ = way > 0 ? ahead[0] : ahead[ahead.length - 1];
    if (!next_) { said.textContent = "There is no further episode this way."; return; }
    seek(Math.max(spanOf(next_)[0] - 1, 0));
    pick(next_);
  }
  function say(word, span = marked) {
    if (!picked || (word === "adjust" && !span)) return;
    const { person, cue, kind, start, end } = picked, moved = word === "adjust";
    give({ word, person, cue, kind, start, end, new_start: moved ? hundredth(span[0]) : null, new_end: moved ? hundredth(span[1]) : null });
    if (moved) mark(null);
    if (word === "withdraw" && !everyEpisode().some((e) => same(e, picked))) picked = null;
    tellPicked();
  }
  function addMarked() {
    if (!marked || !laneOf.value) return;
    const [person, cue, kind] = laneOf.value.split("|");
    const made_ = { word: "add", person: Number(person), cue, kind, start: hundredth(marked[0]), end: hundredth(marked[1]), new_start: null, new_end: null };
    give(made_);
    mark(null);
    pick(made_);
  }
  const hundredth = (time) => Math.round(time * 100) / 100;
  const tenths = (time) => `${shown(time)}.${Math.floor(((time + 0.001) % 1) * 10)}`;
  function settleGiven(verdict) {  // what the page will say as well, once it has kept it
    given = given.filter((v) => !same(v, verdict));
    if (verdict.word !== "withdraw") given.push(verdict);
  }
  function give(verdict) {
    settleGiven(verdict);
    said.textContent = "";
    act("give", verdict);
  }
  function act(what, verdict = null) {
    asked.push({ id: drawnId(), act: what, verdict });
    if (asked.length === 1) send();
    draw(true);
  }
  function send() {  // one at a time: of two quick ones the page would hear the second only
    tellVerdict();
    insist(AGAIN_MS);
  }
  function tellVerdict() {
    if (asked.length) tell("verdict", { ...asked[0], which: review[asked[0].act] || "" });
  }
  function insist(wait) {  // a page that runs again just then, for whatever reason, does not hear what was told
    clearTimeout(insisting);
    if (ended || !(sending || asked.length)) return;
    insisting = setTimeout(() => {
      if (sending) tell("comment", sending);
      tellVerdict();
      insist(2 * wait);
    }, wait);
  }
  function offer() {  // the lanes that a marked stretch can be added to
    const before = laneOf.value;
    const options = rows.filter((r) => r.cue && r.content.method !== "head_only").flatMap((r) => KINDS[r.key].map(([kind]) => [`${r.person}|${CUES[r.key]}|${kind}`, titleOf({ person: r.person, kind })]));
    laneOf.replaceChildren(...options.map(([value, words]) => made("option", { value }, words)));
    if (options.some(([value]) => value === before)) laneOf.value = before;
  }
  function paintVerdicts(g, row, w, ink, field) {
    const lane = given.filter((v) => v.person === row.person && v.cue === CUES[row.key]), y = row.y, h = row.height;
    g.strokeStyle = g.fillStyle = ink; g.lineWidth = 1.5;
    for (const verdict of lane) {
      const [start, end] = verdict.word === "adjust" ? [verdict.new_start, verdict.new_end] : [verdict.start, verdict.end];
      between([[verdict.start, verdict.end]], w, (x, width) => {
        if (verdict.word === "agree") g.fillRect(x, y + h - 1, width, 2);
        if (verdict.word !== "disagree" && verdict.word !== "adjust") return;
        g.fillStyle = field; g.globalAlpha = 0.85; g.fillRect(x - 0.5, y, width + 1, h);
        g.globalAlpha = 1; g.fillStyle = ink;
        g.setLineDash([3, 3]); g.strokeRect(x, y + 1, width, h - 2); g.setLineDash([]);
      });
      if (verdict.word !== "adjust" && verdict.word !== "add") continue;
      between([[start, end]], w, (x, width) => {
        g.fillStyle = row.key === "smiles" ? ROSE : row.key === "forward_lean" ? (verdict.kind === "back" ? GREY : AMBER) : BLUE;
        g.globalAlpha = row.key === "forward_lean" ? 0.35 : 1; g.fillRect(x, y + 2, width, h - 4);
        g.globalAlpha = 1; g.fillStyle = ink; g.strokeRect(x, y + 1, width, h - 2);
      });
    }
  }

  // --- what is drawn

  function lay() {
    rows = [];
    let y = RULER_PX;
    for (const [index, person] of (session ? session.people : []).entries()) {
      if (index && !everybody) break;
      if (session.people.length > 1) { rows.push({ title: person.role, y }); y += PERSON_PX; }
      for (const lane of LANES) {
        if (!(lane.key in person)) continue;
        rows.push({ ...lane, person: person.person, content: person[lane.key], y });
        y += lane.height + GAP_PX;
      }
    }
    lanes.style.height = `${y + 4}px`;
    whole.style.height = "16px";
    const measured = rows.some((row) => row.key);  // not as long as the cues are hidden
    client.hidden = !measured || session.people.length < 2;
    judge.hidden = drawing.hidden = legend.hidden = !measured;
    offer();
    tellPicked();
    draw(true);
  }
  function colours() {
    const style = getComputedStyle(root);
    return { ink: style.color, field: style.getPropertyValue("--field").trim() || "#eee", line: style.getPropertyValue("--line").trim() || "#ccc" };
  }
  function sized(canvas) {
    const ratio = window.devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
    }
    const g = canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    return [g, w, h];
  }
  const xOf = (time, w) => NAME_PX + ((time - from) / (to - from)) * (w - NAME_PX);
  const timeAt = (event) => {
    const box = lanes.getBoundingClientRect();
    return from + ((event.clientX - box.left - NAME_PX) / (box.width - NAME_PX)) * (to - from);
  };
  function hatch(g, ink) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const t = tile.getContext("2d");
    t.strokeStyle = ink; t.globalAlpha = 0.45; t.lineWidth = 1;
    t.beginPath(); t.moveTo(-1, 7); t.lineTo(7, -1); t.stroke();
    return g.createPattern(tile, "repeat");
  }
  function between(list, w, act) {  // those of a list of stretches that are in sight, at least a pixel wide
    for (const e of list) {
      const [start, end] = Array.isArray(e) ? e : [e.start, e.end];
      if (end < from || start > to) continue;
      const a = Math.max(xOf(start, w), NAME_PX), b = Math.min(xOf(end, w), w);
      act(a, Math.max(b - a, 1), e);
    }
  }
  function step(w) { return STEPS_S.find((s) => (s / (to - from)) * (w - NAME_PX) >= 62) || STEPS_S[STEPS_S.length - 1]; }

  function paint(w, h) {  // everything but the cursor, kept until the view changes
    const ratio = window.devicePixelRatio || 1, c = document.createElement("canvas");
    c.width = Math.round(w * ratio); c.height = Math.round(h * ratio);
    const g = c.getContext("2d"), { ink, field, line } = colours(), pattern = hatch(g, ink);
    g.scale(ratio, ratio);
    g.font = `12px ${getComputedStyle(root).fontFamily}`;
    g.textBaseline = "middle";
    const every = step(w);
    for (let t = Math.ceil(from / every) * every; t <= to; t += every) {
      const x = Math.round(xOf(t, w)) + 0.5;
      g.fillStyle = ink; g.globalAlpha = 0.75; g.textAlign = t > to - every * 0.4 ? "right" : t === 0 ? "left" : "center";
      g.fillText(shown(t), Math.min(x, w), RULER_PX / 2 - 1);
      g.globalAlpha = 1; g.strokeStyle = line;
      g.beginPath(); g.moveTo(x, RULER_PX - 4); g.lineTo(x, h); g.stroke();
    }
    g.textAlign = "left";
    for (const row of rows) {
      g.fillStyle = ink;
      if (row.title) {
        g.font = `600 12px ${getComputedStyle(root).fontFamily}`;
        g.fillText(row.title[0].toUpperCase() + row.title.slice(1), 0, row.y + PERSON_PX / 2);
        g.font = `12px ${getComputedStyle(root).fontFamily}`;
        continue;
      }
      g.fillText(row.name, 0, row.y + row.height / 2);
      g.fillStyle = field;
      g.globalAlpha = 0.6; g.fillRect(NAME_PX, row.y, w - NAME_PX, row.height); g.globalAlpha = 1;
      if (row.key === "forward_lean") paintLean(g, row, w, line);
      else between(row.content.episodes, w, (x, width) => {
        g.fillStyle = { smiles: ROSE, speech: TEAL }[row.key] || BLUE;
        g.fillRect(x, row.y + 2, width, row.height - 4);
      });
      g.fillStyle = pattern;
      between(row.content.unknown, w, (x, width) => g.fillRect(x, row.y, width, row.height));
      paintVerdicts(g, row, w, ink, field);
    }
    paintShared(g, w);
    g.fillStyle = ink;
    for (const comment of comments) {  // a flag in the ruler, a line below it along a stretch; paler when settled
      g.globalAlpha = comment.settled ? 0.4 : 1;
      if (comment.end !== null) between([comment], w, (x, width) => g.fillRect(x, RULER_PX - 1, width, 2));
      if (comment.start < from || comment.start > to) continue;
      const x = Math.round(xOf(comment.start, w));
      g.fillRect(x, RULER_PX - 9, 1.5, 9);
      g.beginPath(); g.moveTo(x, RULER_PX - 9); g.lineTo(x + 7, RULER_PX - 6); g.lineTo(x, RULER_PX - 3); g.fill();
    }
    g.globalAlpha = 1;
    return c;
  }
  function paintLean(g, row, w, line) {
    const { mm, rate, episodes } = row.content, middle = row.y + row.height / 2, unit = row.height / 2 / LEAN_MM;
    for (const [at, alpha] of [[0, 1], [50, 0.6], [-50, 0.6], [100, 0.6], [-100, 0.6]]) {
      g.strokeStyle = line; g.globalAlpha = alpha; g.lineWidth = 1;
      g.setLineDash(at ? [2, 3] : []);
      g.beginPath(); g.moveTo(NAME_PX, middle - at * unit); g.lineTo(w, middle - at * unit); g.stroke();
    }
    g.setLineDash([]); g.globalAlpha = 0.28;
    between(episodes, w, (x, width, e) => {
      g.fillStyle = e.kind === "back" ? GREY : AMBER;
      g.fillRect(x, row.y, width, row.height);
    });
    g.globalAlpha = 1; g.fillStyle = AMBER;
    for (let x = NAME_PX; x < w; x++) {  // lowest to highest value in each column of pixels
      const a = Math.floor(timeOf(x, w) * rate), b = Math.max(a + 1, Math.floor(timeOf(x + 1, w) * rate));
      let low = Infinity, high = -Infinity;
      for (let i = a; i < b && i < mm.length; i++) if (mm[i] !== null) { low = Math.min(low, mm[i]); high = Math.max(high, mm[i]); }
      if (high === -Infinity) continue;
      const top = middle - Math.min(Math.max(high, -LEAN_MM), LEAN_MM) * unit, bottom = middle - Math.min(Math.max(low, -LEAN_MM), LEAN_MM) * unit;
      g.fillRect(x, top - 0.75, 1, Math.max(bottom - top, 0) + 1.5);
    }
  }
  const timeOf = (x, w) => from + ((x - NAME_PX) / (w - NAME_PX)) * (to - from);
  function paintShared(g, w) {
    const lane = (person) => rows.find((r) => r.key === "smiles" && r.person === person);
    g.strokeStyle = ROSE; g.fillStyle = ROSE; g.lineWidth = 1.5;
    for (const s of session.shared_smiles) {
      if (s.to < from || s.from > to) continue;
      const one = lane(s.leader), two = lane(s.follower);
      if (one && two) {
        const [upper, lower] = one.y < two.y ? [one, two] : [two, one];
        const at = (row) => xOf(row === one ? s.from : s.to, w);
        g.beginPath(); g.moveTo(at(upper), upper.y + upper.height - 2); g.lineTo(at(lower), lower.y + 2); g.stroke();
      } else if (one || two) {
        const row = one || two, x = xOf(one ? s.from : s.to, w);
        g.beginPath(); g.moveTo(x, row.y + 3); g.lineTo(x - 4, row.y - 4); g.lineTo(x + 4, row.y - 4); g.fill();
      }
    }
  }
  // --- what is drawn on the picture

  function minuteOf(time) {  // loaded when first asked for
    const minute = Math.floor(time / 60);
    if (!overlays.has(minute)) {
      overlays.set(minute, null);
      const asked = overlays;
      fetch(overlayAddress.replace("MINUTE", minute), { credentials: "same-origin" })
        .then((answer) => (answer.ok ? answer.json() : null)).catch(() => null)
        .then((found) => {
          if (found === null) asked.delete(minute);
          else asked.set(minute, found);
          if (asked === overlays) draw(true);
        });
    }
    return overlays.get(minute);
  }
  function at(list, time, within) {  // the entry nearest to a time
    let a = 0, b = (list || []).length;
    while (a < b) { const m = (a + b) >> 1; if (list[m][0] < time) a = m + 1; else b = m; }
    const near = [list && list[a - 1], list && list[a]].filter(Boolean).sort((p, q) => Math.abs(p[0] - time) - Math.abs(q[0] - time))[0];
    return near && Math.abs(near[0] - time) <= within ? near : null;
  }
  function drawOver(time) {
    const found = overlaid ? minuteOf(time) : null;
    for (const [file, shown] of [video, second].entries()) {
      if (shown.parentElement.hidden) continue;
      const [g, w, h] = sized(sheets[file]);
      g.clearRect(0, 0, w, h);
      if (!found || !found.sizes[file]) continue;
      const [width, height] = found.sizes[file], scale = Math.min(w / width, h / height);
      g.translate((w - width * scale) / 2, (h - height * scale) / 2);
      g.scale(scale, scale);
      for (const person of found.people) if (person.file === file) overPerson(g, person, time, 1 / scale);
    }
  }
  function overPerson(g, person, time, px) {
    const stroke = (colour, width, path) => {  // a dark edge keeps it visible on any picture
      for (const [style, extra] of [["rgba(0,0,0,.55)", 2], [colour, 0]]) {
        g.strokeStyle = style; g.lineWidth = (width + extra) * px;
        g.beginPath(); path(); g.stroke();
      }
    };
    const shoulders = at(person.shoulders, time, SHOULDERS_S), face = at(person.faces, time, FACE_S), ray = at(person.rays, time, FACE_S);
    if (shoulders) stroke("#f2b04c", 2, () => { g.moveTo(shoulders[1], shoulders[2]); g.lineTo(shoulders[3], shoulders[4]); });
    if (!face) return;
    const [, x, y, w, h] = face;
    stroke("#ffffff", 1.25, () => g.rect(x, y, w, h));
    if (!ray) return;
    const [, ex, ey, dx, dy, contact] = ray;
    if (person.zone) {
      const [zx, zy, radius] = person.zone.map((v) => v * h);
      stroke("#9fd0f5", 1.25, () => { g.moveTo(ex + zx + radius, ey + zy); g.arc(ex + zx, ey + zy, radius, 0, 2 * Math.PI); });
    }
    const colour = contact === 1 ? "#4aa3e0" : "#ffffff";
    stroke(colour, 2, () => { g.moveTo(ex, ey); g.lineTo(ex + dx, ey + dy); });
    stroke(colour, 3, () => { g.arc(ex + dx, ey + dy, 2 * px, 0, 2 * Math.PI); });
  }
  function draw(force) {
    if (ended || !session) return;
    const time = now(), { ink } = colours();
    const key = [from, to, lanes.clientWidth, lanes.clientHeight, everybody, ink, window.devicePixelRatio].join();
    if (!force && drawn === key + time) return;
    drawn = key + time;
    const [g, w, h] = sized(lanes);
    if (!w) return;
    if (force || key !== pictureKey) { picture = paint(w, h); pictureKey = key; }
    g.clearRect(0, 0, w, h);
    g.drawImage(picture, 0, 0, w, h);
    if (marked) {
      g.fillStyle = ink; g.globalAlpha = 0.16;
      between([marked], w, (a, width) => g.fillRect(a, RULER_PX, width, h));
      g.globalAlpha = 1;
    }
    const row = picked && rows.find((r) => r.person === picked.person && CUES[r.key] === picked.cue);
    if (row) {
      g.strokeStyle = getComputedStyle(root).getPropertyValue("--strong").trim() || ink; g.lineWidth = 3;
      between([pulled ? pulled.span : spanOf(picked)], w, (a, width) => g.strokeRect(a - 1, row.y - 1, width + 2, row.height + 2));
    }
    const x = xOf(time, w);
    if (x >= NAME_PX - 1 && x <= w + 1) { g.fillStyle = ink; g.fillRect(x - 1, RULER_PX - 6, 2, h); }
    drawWhole(time);
    drawOver(time);
    clock.textContent = `${shown(time)} / ${shown(length())}`;
    lanes.setAttribute("aria-valuenow", time.toFixed(1));
    lanes.setAttribute("aria-valuetext", `${spoken(time)}${state(time)}`);
  }
  function drawWhole(time) {
    const [g, w, h] = sized(whole), { ink, field } = colours(), x = (t) => NAME_PX + (t / length()) * (w - NAME_PX);
    g.clearRect(0, 0, w, h);
    g.fillStyle = field; g.fillRect(NAME_PX, 3, w - NAME_PX, h - 6);
    g.fillStyle = ink;
    g.globalAlpha = 0.25; g.fillRect(x(from), 3, Math.max(x(to) - x(from), 3), h - 6);
    g.globalAlpha = 0.8;
    for (const m of chosen) g.fillRect(x(m.start), 5, 1.5, h - 10);
    g.globalAlpha = 1; g.fillRect(x(time) - 1, 0, 2, h);
  }
  function state(time) {  // what the lanes show at a time, in words
    const inside = (list) => list.some((e) => (Array.isArray(e) ? e[0] <= time && time < e[1] : e.start <= time && time < e.end));
    return rows.filter((r) => r.key).map((r) => {
      const unknown = inside(r.content.unknown);
      if (r.key === "eye_contact") return unknown ? "eye contact cannot be told" : inside(r.content.episodes) ? "eye contact" : "looking away";
      if (r.key === "speech") return unknown ? "speaking cannot be told" : inside(r.content.episodes) ? "speaking" : "not speaking";
      if (r.key === "smiles") return unknown ? "smiling cannot be told" : inside(r.content.episodes) ? "smiling" : "not smiling";
      const value = r.content.mm[Math.floor(time * r.content.rate)];
      return value === null || value === undefined ? "lean cannot be told" : `${Math.abs(Math.round(value / 10))} cm ${value < 0 ? "further away" : "nearer"}`;
    }).map((words) => `, ${words}`).join("");
  }

  // --- hands

  let held = false, markFrom = null;
  const rowAt = (event) => {
    const y = event.clientY - lanes.getBoundingClientRect().top;
    return rows.find((row) => row.key && y >= row.y && y < row.y + row.height + GAP_PX) || null;
  };
  function endAt(event) {  // which end of the picked episode lies under the pointer
    const row = rowAt(event), verdict = picked && verdictOn(picked);
    if (!judging || !picked || !row || row.person !== picked.person || CUES[row.key] !== picked.cue || (verdict && verdict.word === "add")) return null;
    const span = spanOf(picked), away = span.map((t) => Math.abs(xOf(t, lanes.clientWidth) - (event.clientX - lanes.getBoundingClientRect().left)));
    return Math.min(...away) > NEAR_PX ? null : { edge: away[0] <= away[1] ? 0 : 1, span: [...span] };
  }
  lanes.addEventListener("pointerdown", (event) => {
    lanes.setPointerCapture(event.pointerId);
    if (event.shiftKey || marks) {
      const row = rowAt(event);
      markFrom = timeAt(event);
      markedCue = (row && row.cue) || "";
      if (row && row.cue && row.content.method !== "head_only") laneOf.value = `${row.person}|${CUES[row.key]}|${KINDS[row.key][0][0]}`;
      mark(markFrom, markFrom);
      return;
    }
    pulled = endAt(event);
    if (pulled) return;
    held = true;
    seek(timeAt(event));
    const row = judging ? rowAt(event) : null, time = timeAt(event);
    if (row) pick(judged(row).find((e) => spanOf(e)[0] <= time && time < spanOf(e)[1]) || null);
  });
  lanes.addEventListener("pointermove", (event) => {
    if (pulled) {
      const [start, end] = pulled.span, time = Math.min(Math.max(timeAt(event), 0), length());
      pulled.span[pulled.edge] = pulled.edge ? Math.max(time, start + SHORTEST_EPISODE_S) : Math.min(time, end - SHORTEST_EPISODE_S);
      draw(true);
      return;
    }
    lanes.style.cursor = endAt(event) ? "ew-resize" : "";
    if (held) seek(timeAt(event)); else if (markFrom !== null) mark(markFrom, timeAt(event)); else lanes.title = `${shown(Math.max(timeAt(event), 0))}${state(timeAt(event))}`;
  });
  for (const name of ["pointerup", "pointercancel"]) lanes.addEventListener(name, () => {
    held = false;
    if (pulled) {
      const { span } = pulled;
      pulled = null;
      if (span.some((t, k) => Math.abs(t - spanOf(picked)[k]) > 0.01)) say("adjust", span);
      draw(true);
    }
    if (markFrom === null) return;
    markFrom = null;
    if (marked[1] - marked[0] < 0.2) mark(null); else { seek(marked[0]); saySpan(); }
  });
  lanes.addEventListener("wheel", (event) => {
    if (event.ctrlKey) zoom(event.deltaY > 0 ? 1.25 : 0.8, Math.min(Math.max(timeAt(event), from), to));
    else if (event.deltaX || event.shiftKey) window_(from + ((event.deltaX || event.deltaY) / 600) * (to - from), to - from);
    else return;  // the page scrolls
    event.preventDefault();
  }, { passive: false });
  let moved = null;
  const wholeTime = (event) => {
    const box = whole.getBoundingClientRect();
    return ((event.clientX - box.left - NAME_PX) / (box.width - NAME_PX)) * length();
  };
  whole.addEventListener("pointerdown", (event) => {
    whole.setPointerCapture(event.pointerId);
    const time = wholeTime(event);
    moved = time >= from && time <= to ? time - from : (to - from) / 2;
    window_(time - moved, to - from);
  });
  whole.addEventListener("pointermove", (event) => { if (moved !== null) window_(wholeTime(event) - moved, to - from); });
  for (const name of ["pointerup", "pointercancel"]) whole.addEventListener(name, () => { moved = null; });

  root.addEventListener("keydown", (event) => {
    if (event.target.closest("select, dialog, form") || event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? 30 : 5;
    const act = {
      ArrowLeft: () => seek(now() - far), ArrowRight: () => seek(now() + far),
      ",": () => { video.pause(); seek(now() - 1 / 25); }, ".": () => { video.pause(); seek(now() + 1 / 25); },
      Home: () => seek(0), End: () => seek(length()), n: () => jump(1), o: () => drawing.click(), p: () => jump(-1), "+": () => zoom(0.5),
      "=": () => zoom(0.5), "-": () => zoom(2), 0: () => window_(0, length()), c: write,
      "[": () => { markedCue = ""; mark(now(), marked ? Math.max(marked[1], now()) : now()); },
      "]": () => { mark(marked ? Math.min(marked[0], now()) : now(), now()); saySpan(); },
      Escape: marked ? () => mark(null) : picked ? () => pick(null) : null, "?": () => help.showModal(), v: () => judge.click(),
      ...(judging ? { e: () => episode(1), E: () => episode(-1), a: () => agree.click(), d: () => disagree.click(), t: () => adjust.click(),
        i: () => add.click(), w: () => withdraw.click(), z: () => undo.click(), y: () => redo.click() } : {}),
      " ": event.target.closest("button") ? null : toggle,
    }[event.key];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  });

  function sent() {  // a link of the page to a time, #t=75, or to a clip, #t=75,90
    const found = /^#t=(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?$/.exec(window.location.hash);
    if (!found || !session) return;
    seek(Number(found[1]));
    until = null;
    if (found[2] !== undefined) { until = Number(found[2]); video.play().catch(failed); }
    root.scrollIntoView({ block: "start" });
    history.replaceState(history.state, "", window.location.pathname + window.location.search);  // the same link works again
  }
  window.addEventListener("hashchange", sent);

  // --- life

  for (const name of ["play", "pause"]) video.addEventListener(name, () => { play.textContent = video.paused ? "Play" : "Pause"; });
  for (const name of ["seeked", "loadedmetadata"]) video.addEventListener(name, () => draw(true));
  video.addEventListener("error", failed);
  for (const one of [video, second]) one.addEventListener("click", toggle);
  second.addEventListener("loadedmetadata", () => draw(true));
  const watcher = new ResizeObserver(() => draw(true));
  watcher.observe(lanes);
  watcher.observe(screens);
  const tick = () => {
    if (ended) return;
    if (!video.paused) show(now());
    if (until !== null && !video.seeking && video.currentTime >= until) { until = null; video.pause(); }
    follow();
    draw(false);
    if (video.paused) idle = setTimeout(tick, IDLE_MS); else frame = requestAnimationFrame(tick);
  };
  video.addEventListener("play", () => { stop(); tick(); });
  function stop() { clearTimeout(idle); cancelAnimationFrame(frame); }
  tick();

  async function load(address) {
    said.textContent = "Loading the timeline …";
    try {
      const answer = await fetch(address, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      session = await answer.json();
    } catch {
      said.textContent = "The timeline could not be loaded. Load the page again; you may have been signed out.";
      return;
    }
    if (ended) return;
    said.textContent = "";
    lanes.setAttribute("aria-valuemax", session.duration.toFixed(1));
    from = 0;
    to = session.duration;
    lay();
    sent();
  }
  return {
    update(data) {
      if (addresses !== data.videos[0] + data.lanes) {
        for (const [k, one] of [video, second].entries()) {
          if (data.videos[k] && one.getAttribute("src") !== data.videos[k]) one.src = data.videos[k];
        }
        pair = data.videos[1] ? data.alignment : null;
        second.parentElement.hidden = sound.hidden = !pair;
        addresses = data.videos[0] + data.lanes;
        overlays = new Map();
        overlayAddress = data.overlay;
        load(data.lanes);
      }
      moments = data.moments || [];
      comments = data.comments || [];
      box.maxLength = data.longest;
      if (sending && data.taken.id === sending.id) {
        sending = null;
        if (data.taken.kept) { box.value = ""; leave(); said.textContent = "The comment is kept. n goes to the next moment."; }
        else said.textContent = "The comment was not kept: why stands above.";
      }
      review = data.review;
      const taken = asked.length && asked[0].id === review.taken;
      if (taken) asked.shift();
      given = [...review.verdicts];
      for (const one of asked) if (one.act === "give") settleGiven(one.verdict);
      if (taken) send();
      undo.disabled = !review.undo;
      redo.disabled = !review.redo;
      if (picked && session) tellPicked();
      const kinds = [...new Set(moments.map((m) => m.kind))].sort(), before = kind.value;
      const few = moments.filter((m) => m.proposed).length, drawn = Math.max(few - NOT_DRAWN, 0);
      const proposed = `${few} moments${drawn ? `, ${drawn} drawn at random` : ""}`;
      const options = [[PROPOSED, proposed], [EVERY, `all ${moments.length}`], ...kinds.map((k) => [k, k])];
      kind.replaceChildren(...options.map(([value, words]) => made("option", { value }, words)));
      kind.value = options.some(([value]) => value === before) ? before : PROPOSED;
      kind.hidden = previous.hidden = next.hidden = !moments.length;
      choose();
      draw(true);
    },
    end() {
      ended = true;
      clearTimeout(insisting);
      stop();
      window.removeEventListener("hashchange", sent);
      watcher.disconnect();
      for (const one of [video, second]) { one.removeAttribute("src"); one.load(); }
    },
  };
}

const drawnId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16).padStart(8, "0")).join("");

function shown(time) {
  const t = Math.max(Math.floor(time + 0.001), 0), pad = (n) => String(n).padStart(2, "0");
  return t >= 3600 ? `${Math.floor(t / 3600)}:${pad(Math.floor(t / 60) % 60)}:${pad(t % 60)}` : `${Math.floor(t / 60)}:${pad(t % 60)}`;
}
function spoken(time) {
  const t = Math.max(Math.round(time), 0);
  return `${Math.floor(t / 60)} minutes ${t % 60} seconds`;
}
