// A small moving plot: per frame one bar, its stages upon one another, the newest on the right.
const BARS = 100;
const MEAN = 30; // frames over which the legend's numbers are taken
const NAMES = {
  read: "wait for frames", find: "find people", slow: "slow network", fast: "fast network",
  fuse: "fuse", decode: "keypoints", track: "track", draw: "draw", write: "record",
};
// Okabe and Ito's colours, which people of all kinds of sight tell apart.
const COLOURS = ["#56b4e9", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#0072b2", "#b8a900", "#8a94a0"];

export class Plot {
  constructor(canvas, legend) {
    this.canvas = canvas;
    this.legend = legend;
    this.frames = [];
    this.stages = Object.keys(NAMES).filter((stage) => stage !== "read");
    this.rows = new Map();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  add(times) {
    for (const stage of Object.keys(times)) {
      if (stage !== "read" && !this.stages.includes(stage)) this.stages.push(stage);
    }
    this.frames.push(times);
    if (this.frames.length > BARS) this.frames.shift();
    this.draw();
    if (this.frames.length % 5 === 1 || this.frames.length === BARS) this.tell();
  }

  clear() {
    this.frames = [];
    this.draw();
  }

  colour(stage) {
    return COLOURS[this.stages.indexOf(stage) % COLOURS.length];
  }

  draw() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    const top = niceAbove(Math.max(10, ...this.frames.map((times) => this.sum(times))));
    const left = 44, floor = height - 4, tall = floor - 8;
    pen.font = `11px ${style.fontFamily}`;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const part of [0, 0.5, 1]) {
      const y = floor - part * tall;
      pen.fillStyle = style.getPropertyValue("--faint");
      pen.fillText(part ? inTime(top * part) : "0", left - 6, Math.max(6, y));
      pen.fillStyle = style.getPropertyValue("--line");
      pen.fillRect(left, Math.round(y), width - left, 1);
    }
    const step = (width - left) / BARS;
    this.frames.forEach((times, place) => {
      const x = width - (this.frames.length - place) * step;
      let y = floor;
      for (const stage of this.stages) {
        const high = (1000 * (times[stage] || 0) / top) * tall;
        if (!high) continue;
        pen.fillStyle = this.colour(stage);
        pen.fillRect(x, y - high, Math.max(step - 0.5, 0.5), high);
        y -= high;
      }
    });
  }

  sum(times) {
    return this.stages.reduce((sum, stage) => sum + 1000 * (times[stage] || 0), 0);
  }

  // The legend: every stage that occurs, with its mean.
  tell() {
    const recent = this.frames.slice(-MEAN);
    for (const stage of this.stages) {
      const seen = this.frames.some((times) => stage in times);
      if (!seen && !this.rows.has(stage)) continue;
      if (!this.rows.has(stage)) this.rows.set(stage, this.row(stage));
      const mean = recent.reduce((sum, times) => sum + (times[stage] || 0), 0) / recent.length;
      this.rows.get(stage).textContent = inTime(1000 * mean);
    }
  }

  row(stage) {
    const item = document.createElement("li"), sign = document.createElement("i");
    const number = document.createElement("b");
    sign.style.background = this.colour(stage);
    item.style.order = this.stages.indexOf(stage);
    item.append(sign, NAMES[stage] || stage, number);
    this.legend.append(item);
    return number;
  }
}

function inTime(milliseconds) {
  if (milliseconds >= 1000) return `${+(milliseconds / 1000).toPrecision(3)} s`;
  return `${milliseconds < 100 ? +milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((nice) => nice >= value);
}
