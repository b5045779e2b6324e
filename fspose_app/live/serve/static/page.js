// The page: asks what the server does, then lets each part of itself begin.
import { showLive } from "./live.js";
import { showJobs } from "./jobs.js";

const about = await (await fetch("/v1/about")).json();
showLive(about.live);
if (about.uploads) showJobs(about.uploads, about.live);
