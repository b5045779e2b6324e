// Videos: dropped or chosen, sent, followed, watched, fetched.
const LOOK = 700; // milliseconds between two looks at a job
const KEY = "fspose-jobs"; // the ids of this browser's jobs, so that they outlive a reload
const find = (id) => document.getElementById(id);
const sleep = (time) => new Promise((done) => setTimeout(done, time));

export function showJobs(bounds, live) {
  const megabytes = Math.round(bounds.max_bytes / 1e6);
  find("bounds").textContent =
    `At most ${megabytes} MB. Results are kept for ${length(bounds.keep_seconds)}, the video is not.`;
  find("files").hidden = false;
  const take = (files) => [...files].forEach((file) => send(file, bounds, live));
  find("file").addEventListener("change", (event) => {
    take(event.target.files);
    event.target.value = "";
  });
  let inside = 0;
  const drag = (by) => {
    inside = by ? Math.max(0, inside + by) : 0;
    document.body.classList.toggle("dragging", inside > 0);
  };
  addEventListener("dragenter", () => drag(1));
  addEventListener("dragleave", () => drag(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    drag(0);
    take(event.dataTransfer.files);
  });
  for (const id of known()) follow(id, new Card("video"));
}

class Card {
  constructor(name) {
    this.item = find("job").content.firstElementChild.cloneNode(true);
    this.part = (name) => this.item.querySelector(name);
    this.part(".job-name").textContent = name;
    this.remove = () => {};
    this.part(".job-remove").addEventListener("click", () => {
      this.gone = true;
      this.remove();
      this.item.remove();
    });
    find("jobs").prepend(this.item);
  }

  say(text, bad = false) {
    const state = this.part(".job-state");
    if (state.textContent !== text) state.textContent = text;
    state.classList.toggle("bad", bad);
  }

  // `value` from 0 to 1, null where it is not known, undefined where there is none.
  progress(value) {
    const bar = this.part("progress");
    bar.hidden = value === undefined;
    if (value === null) bar.removeAttribute("value");
    else if (value !== undefined) bar.value = value;
  }

  finish(job) {
    const video = this.part("video"), stem = job.name.replace(/\.[^.]*$/, "");
    if (job.links.overlay && !video.src) {
      video.src = job.links.overlay;
      video.hidden = false;
    }
    this.link(".job-overlay", job.links.overlay, `${stem}-overlay.mp4`);
    this.link(".job-result", job.links.result, `${stem}.jsonl`);
    this.part(".job-kept").textContent = `kept for ${length(job.keep_seconds)}`;
    this.part(".job-links").hidden = false;
  }

  link(name, address, file) {
    const link = this.part(name);
    link.hidden = !address;
    if (!address) return;
    link.href = address;
    link.download = file;
  }
}

function send(file, bounds, live) {
  const card = new Card(file.name);
  if (file.size > bounds.max_bytes) {
    card.progress(undefined);
    card.say(`The file is larger than ${Math.round(bounds.max_bytes / 1e6)} MB.`, true);
    return;
  }
  const scheme = find("scheme").value || live.scheme;
  const query = new URLSearchParams({ name: file.name, scheme });
  const request = new XMLHttpRequest(); // fetch tells nothing of how far an upload is
  request.open("POST", `/v1/jobs?${query}`);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.responseType = "json";
  card.say("sending");
  card.progress(0);
  card.remove = () => request.abort();
  request.upload.addEventListener("progress", (event) => {
    const part = event.loaded / event.total;
    card.progress(part);
    card.say(part < 1 ? `sending, ${Math.floor(100 * part)} %` : "being looked at");
  });
  const failed = (text) => {
    card.progress(undefined);
    card.say(text, true);
  };
  request.addEventListener("load", () => {
    const job = request.response;
    if (request.status !== 202) {
      failed(job?.detail || `The server refused it (${request.status}).`);
      return;
    }
    remember([...known(), job.id]);
    follow(job.id, card);
  });
  request.addEventListener("error", () => failed("The connection was lost."));
  request.send(file);
}

async function follow(id, card) {
  card.remove = () => {
    forget(id);
    fetch(`/v1/jobs/${id}`, { method: "DELETE" }).catch(() => {});
  };
  while (!card.gone) {
    let job;
    try {
      const answer = await fetch(`/v1/jobs/${id}`);
      if (answer.status === 404) {
        forget(id);
        card.item.remove();
        return;
      }
      job = await answer.json();
    } catch {
      card.say("no answer");
      await sleep(3 * LOOK);
      continue;
    }
    card.part(".job-name").textContent = job.name;
    card.item.dataset.state = job.state;
    const ended = job.state === "done" || job.state === "failed";
    card.progress(ended ? undefined : job.state === "queued" ? 0 : job.progress);
    card.say(words(job), job.state === "failed");
    if (job.state === "done") card.finish(job);
    await sleep(ended ? 20 * LOOK : LOOK);
  }
}

function words(job) {
  if (job.state === "queued") return job.before ? `queued, ${job.before} before it` : "queued";
  if (job.state === "failed") return job.message;
  const of = job.total ? ` of ${job.total}` : "";
  if (job.state === "running" && !job.frames) return "starting";
  return job.state === "done" ? `done, ${job.frames} frames` : `frame ${job.frames}${of}`;
}

function length(seconds) {
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 120) return minutes === 1 ? "1 minute" : `${minutes} minutes`;
  return `${Math.round(minutes / 60)} hours`;
}

function known() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) || [];
  } catch {
    return []; // storage that is switched off, or not ours
  }
}

function remember(ids) {
  try {
    localStorage.setItem(KEY, JSON.stringify(ids));
  } catch {
    // storage that is switched off: the jobs go with the page
  }
}

function forget(id) {
  remember(known().filter((other) => other !== id));
}
