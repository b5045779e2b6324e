// The live part. Pictures are asked for one by one, each time the newest: however slow this page
// or its connection is, it never lags behind, and nobody waits for it.
import { Plot } from "./plot.js";

const OTHER = "other address";
const LOOK = 1000; // milliseconds between two looks at the state
const AGAIN = 2000; // and before another try where the server does not answer
const find = (id) => document.getElementById(id);
const sleep = (time) => new Promise((done) => setTimeout(done, time));

export function showLive(about) {
  const plot = new Plot(find("plot"), find("legend"));
  plot.draw();
  if (about.scheme) setUp(about);
  else find("hint").textContent = "Waiting for the first picture.";
  watch(plot);
  look(plot);
}

function setUp(about) {
  const source = find("source"), scheme = find("scheme");
  const cameras = about.addresses ? [["0", "Camera 0"], ["1", "Camera 1"]] : [];
  for (const label of about.sources) source.add(new Option(label));
  for (const [value, label] of cameras) source.add(new Option(label, value));
  if (about.addresses) source.add(new Option("Address of a stream …", OTHER));
  for (const name of about.schemes) scheme.add(new Option(name, name, false, name === about.scheme));
  const show = () => { find("address-row").hidden = source.value !== OTHER; };
  source.addEventListener("change", show);
  show();
  find("control").hidden = source.length === 0;
  find("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const asked = source.value === OTHER ? find("address").value.trim() : source.value;
    if (asked) order("start", { source: asked, scheme: scheme.value });
    else find("address").focus();
  });
  find("stop").addEventListener("click", () => order("stop"));
}

async function order(verb, body) {
  const submit = find("form").querySelector("[type=submit]");
  submit.disabled = true;
  try {
    const answer = await fetch(`/v1/live/${verb}`, {
      method: "POST",
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body && JSON.stringify(body),
    });
    const told = await answer.json();
    if (answer.ok) tell(told);
    else say(told.detail, true);
  } catch {
    say("The server does not answer.", true);
  } finally {
    submit.disabled = false;
  }
}

// The newest picture, again and again.
async function watch(plot) {
  const canvas = find("picture"), pen = canvas.getContext("2d");
  let after = 0;
  for (;;) {
    if (document.hidden) {
      await sleep(300);
      continue;
    }
    try {
      const asked = performance.now();
      const answer = await fetch(`/v1/live/picture?after=${after}`);
      if (answer.status === 204) continue;
      if (!answer.ok) throw new Error(answer.statusText);
      const frame = JSON.parse(answer.headers.get("X-Fspose-Frame"));
      const bitmap = await createImageBitmap(await answer.blob());
      await new Promise(requestAnimationFrame);
      if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
        canvas.width = bitmap.width;
        canvas.height = bitmap.height;
        canvas.parentElement.style.aspectRatio = `${bitmap.width} / ${bitmap.height}`;
      }
      pen.drawImage(bitmap, 0, 0);
      bitmap.close();
      after = frame.sequence;
      // Of the time since the question, the server waited `waited` for the frame itself.
      const way = Math.max(0, (performance.now() - asked) / 1000 - frame.waited);
      show(frame, frame.age + way);
      plot.add(frame.times);
    } catch {
      await sleep(AGAIN);
    }
  }
}

let lastKeyframe = null;

function show(frame, latency) {
  find("hint").hidden = true;
  find("people").textContent = frame.people;
  find("rate").textContent = frame.rate.toFixed(1);
  find("latency").textContent = latency < 10 ? `${Math.round(1000 * latency)} ms` : `${latency.toFixed(0)} s`;
  find("dropped").textContent = frame.dropped;
  find("frame").textContent = frame.index;
  if (frame.keyframe || lastKeyframe === null || lastKeyframe > frame.index) lastKeyframe = frame.index;
  const since = frame.index - lastKeyframe;
  find("since").textContent = since ? `${since} ago` : "now";
  find("keyframe").classList.toggle("on", since < 3);
}

// The state: also where no pictures come.
async function look() {
  for (;;) {
    try {
      const answer = await fetch("/v1/live");
      if (answer.status === 401) location.reload();
      tell(await answer.json());
    } catch {
      mark("lost", "no answer");
    }
    await sleep(LOOK);
  }
}

function tell(live) {
  mark(live.state, live.state);
  find("what").textContent = [live.source, live.scheme].filter(Boolean).join(" · ");
  say(live.message, live.state === "failed");
  const still = live.state !== "running";
  find("stop").disabled = ["idle", "stopped", "failed"].includes(live.state);
  document.querySelector(".stage").classList.toggle("still", still && find("hint").hidden);
}

function mark(state, text) {
  find("state").dataset.state = state;
  find("state").textContent = text;
}

function say(text, bad) {
  const line = find("message");
  line.hidden = !text;
  line.classList.toggle("bad", Boolean(bad));
  if (line.textContent !== text) line.textContent = text;
}
