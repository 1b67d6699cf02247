// A chart on a page, drawn by Vega from a constant specification and named tables, with the figures above it.
//
// New points are inserted into the chart that is there, so that zoom, tooltip and selection survive them. While a run
// is live, the server pushes its points (rnnlab/view/watch/stream.py) and the page is rerun only when its state changes.
import { embed } from "vega-embed"; // rnnlab/server/scripts.py fills in the address

/** Milliseconds between two drawings: a small network finishes more epochs per second than anybody can see. */
const PACE = 300;
/** The same as a multiple of the time that a drawing takes here, so that a long curve leaves the processor to others. */
const REST = 50;
/** The same at most. */
const SLOWEST = 1500;
/** Milliseconds without a message after which the events count as held back on their way. */
const SILENCE = 5000;
/** Connections that are tried in vain before that, if events have arrived before: the server may only be busy. */
const TRIES = 2;
/** Milliseconds between two texts that the page draws. */
const READING = 1000;
/** Milliseconds for which the page waits with its buttons until the first epoch is finished, which is drawn before. */
const FIRST = 400;
/** Milliseconds for which a chart that is built anew waits for the rest of the page, at most. */
const LEISURE = 300;
/** Number of inserted points after which the page is asked for a thinned curve. */
const MOST = 2000;

/** Milliseconds after an action of the visitor in which no chart asks for anything: the action may leave the page. */
const LEAVING = 600;

let acted = -LEAVING;
for (const kind of ["pointerdown", "keydown", "popstate"]) {
  addEventListener(kind, () => (acted = performance.now()), true);
}

const charts = new WeakMap();
/** The zoom of live runs whose element Streamlit has built anew, by the address of their events. */
const zooms = new Map();

/** Draw a mounted component; Streamlit calls this again whenever its data changes. Returns the clean-up. */
export function draw(component) {
  const place = component.parentElement;
  if (!charts.has(place)) charts.set(place, new Chart(place));
  charts.get(place).receive(component);
  return () => {
    charts.get(place)?.close();
    charts.delete(place);
  };
}

class Chart {
  constructor(place) {
    this.root = place.querySelector(".lab-plot");
    this.figures = place.querySelector(".lab-figures");
    this.board = place.querySelector(".lab-board");
    this.note = place.querySelector(".lab-note");
    this.canvas = place.querySelector(".lab-canvas");
    this.changes = [];
    this.work = Promise.resolve();
    this.resizing = new ResizeObserver(() => this.fit());
    this.resizing.observe(this.canvas);
    this.onVisibility = () => (document.hidden ? this.disconnect() : this.connect());
    document.addEventListener("visibilitychange", this.onVisibility);
  }

  receive({ data, setTriggerValue, setStateValue }) {
    this.trigger = setTriggerValue;
    this.keep = setStateValue;
    this.canvas.setAttribute("aria-label", data.alt);
    this.stepped = typeof data.height === "object" && data.height !== null; // a height for each row of the chart
    this.matchTheme(data.theme);
    const specification = JSON.stringify([data.spec, data.config, data.height]);
    const behind = epochs(data.version) < epochs(this.version ?? "0");
    if (specification === this.specification && data.path && data.path === this.path && behind) {
      // the events were faster than the page: only what is not among them is new
      this.phase = data.phase;
      this.change({ put: Object.fromEntries(data.marks.map((name) => [name, data.tables[name]])) });
      return;
    }
    if (data.path !== this.path || specification !== this.specification) this.disconnect();
    this.path = data.path;
    this.part = data.part;
    this.names = new Set(Object.keys(data.tables));
    this.version = data.version;
    this.phase = data.phase;
    this.changes = [];
    this.inserted = 0;
    this.noted = data.note?.name;
    this.hasFigures = Boolean(data.figures);
    this.write({ figures: data.figures, board: data.board, notes: { [this.noted]: data.note?.text } });
    if (specification !== this.specification) {
      // another language, theme or size: the words of the page come first
      this.specification = specification;
      if (this.view) this.then(atLeisure);
      this.then(() => this.build(data));
    } else {
      this.change({ put: data.tables }, true); // the visitor waits for it
    }
    this.connect();
  }

  // Show the texts around the chart that a message has.
  write({ figures, board, notes }) {
    if (figures || !this.hasFigures) write(this.figures, this.hasFigures ? figures : null);
    if (board !== undefined) writeTable(this.board, board);
    if (notes && this.noted in notes) {
      this.note.textContent = notes[this.noted] ?? "";
      this.note.hidden = !this.note.textContent;
    }
  }

  // The colours of a chart come with the page: when only the theme has changed, ask for them.
  matchTheme(theme) {
    const shown = dark(getComputedStyle(this.root).getPropertyValue("--st-background-color")) ? "dark" : "light";
    if (shown !== theme && shown !== this.askedTheme) this.tell(shown);
    this.askedTheme = shown === theme ? null : shown;
  }

  // Run the page again, because of `reason`. A request from a page that is being left would draw it over the next one.
  tell(reason) {
    clearTimeout(this.telling);
    const wait = acted + LEAVING - performance.now();
    if (wait > 0) this.telling = setTimeout(() => this.tell(reason), wait);
    else if (!this.closed) this.trigger("changed", reason);
  }

  then(act) {
    this.work = this.work.then(act).catch((error) => console.error(error));
  }

  async build(data) {
    const before = this.view;
    const zoom = before ? zoomOf(before) : zooms.get(this.subject());
    const place = document.createElement("div");
    const spec = {
      ...data.spec,
      datasets: Object.fromEntries(Object.entries(data.tables).map(([name, table]) => [name, rows(table)])),
      width: Math.max(80, this.canvas.clientWidth),
      height: this.stepped ? data.height : Math.max(80, this.canvas.clientHeight),
      autosize: { type: this.stepped ? "fit-x" : "fit", contains: "padding" },
    };
    const options = { actions: false, logLevel: 1, renderer: "svg", config: data.config, tooltip: { theme: data.theme } };
    const { view } = await embed(place, spec, options);
    if (this.closed) {
      view.finalize();
      return;
    }
    for (const [name, value] of Object.entries(zoom ?? {})) view.signal(name, value);
    await view.runAsync();
    this.view = view;
    this.canvas.replaceChildren(place);
    before?.finalize();
    hideEmpty(this.canvas);
    this.root.dataset.drawn = "true";
    this.fit();
  }

  // The run that is shown, without the language; "" for a chart that is not live.
  subject() {
    return (this.path ?? "").split("?", 1)[0];
  }

  // Queue a change of the tables; several are drawn together, unless the change is to be seen at once.
  change(message, atOnce = false) {
    this.changes.push(message);
    if (atOnce) {
      clearTimeout(this.timer);
      this.timer = null;
      this.then(() => this.apply());
    }
    if (atOnce || this.timer) return;
    const pace = Math.min(SLOWEST, Math.max(PACE, REST * (this.cost ?? 0)));
    const wait = Math.max(0, pace - (performance.now() - (this.drawnAt ?? -pace)));
    this.timer = setTimeout(() => {
      this.timer = null;
      this.then(() => this.apply());
    }, wait);
  }

  async apply() {
    if (!this.view || this.closed) return;
    const view = this.view;
    const changes = this.changes;
    this.changes = [];
    this.drawnAt = performance.now();
    const put = {};
    const add = {};
    const drop = {};
    for (const message of changes) {
      for (const [name, table] of this.own(message.put)) {
        put[name] = rows(table);
        add[name] = [];
      }
      for (const [name, places] of this.own(message.drop)) {
        const replaced = new Set(places);
        drop[name] = new Set([...(drop[name] ?? []), ...places]);
        add[name] = add[name]?.filter((row) => !replaced.has(row.x));
      }
      for (const [name, table] of this.own(message.add)) (add[name] ??= []).push(...rows(table));
    }
    for (const name of new Set([...Object.keys(put), ...Object.keys(add)])) {
      const set = view.changeset();
      if (put[name]) set.remove(() => true);
      else if (drop[name]) set.remove((row) => drop[name].has(row.x));
      view.change(name, set.insert([...(put[name] ?? []), ...(add[name] ?? [])]));
    }
    await view.runAsync();
    hideEmpty(this.canvas);
    this.cost = performance.now() - this.drawnAt;
  }

  // The tables of a message that this chart has.
  own(tables) {
    return Object.entries(tables ?? {}).filter(([name]) => this.names.has(name));
  }

  fit() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!this.view || !width || !height || (width === this.width && height === this.height)) return;
    this.width = width;
    this.height = height;
    this.then(() => (this.stepped ? this.view.width(width) : this.view.width(width).height(height)).resize().runAsync());
  }

  // The events of a live run. A hidden tab holds no connection, because a browser allows few for each server.

  connect() {
    if (this.source || !this.path || document.hidden || this.closed) return;
    this.source = Source.of(this.path);
    this.source.join(this);
  }

  disconnect() {
    this.source?.leave(this);
    this.source = null;
  }

  // Take in a point, up to `position`.
  take(message, position) {
    if (epochs(position) <= epochs(this.version)) return;
    const first = epochs(this.version) < 1 && "curve" in message.add; // the first epoch
    this.version = position;
    this.inserted = (this.inserted ?? 0) + 1;
    this.change(message, first);
    this.write(message);
    if (this.inserted > MOST) this.ask(`thin ${this.version}`);
  }

  // No events arrive: let the page poll the store for a while.
  giveUp() {
    this.source = null;
    this.path = null;
    this.keep("silent", Date.now());
  }

  // Ask the page to run again: at once for another state of the run, but for texts no more often than they can be read.
  ask(phase) {
    const state = phase.split(",", 1)[0];
    const now = performance.now();
    const first = epochs(this.version) < 1 ? now + FIRST : now;
    const reading = state === this.asked ? this.askedAt + READING : first;
    this.due = Math.min(this.due ?? Infinity, Math.max(now, reading) + Math.random() * (this.spread ?? 0));
    clearTimeout(this.asking);
    this.asking = setTimeout(() => {
      this.due = null;
      if (this.closed || phase === this.phase) return;
      this.asked = state;
      this.askedAt = performance.now();
      this.inserted = 0;
      this.tell(phase);
    }, this.due - now);
  }

  close() {
    this.closed = true;
    if (this.view && this.path) zooms.set(this.subject(), zoomOf(this.view));
    clearTimeout(this.timer);
    clearTimeout(this.asking);
    clearTimeout(this.telling);
    this.disconnect();
    this.resizing.disconnect();
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.then(() => this.view?.finalize());
  }
}

/** A connection to the server that all charts of the same runs share, as a browser allows few for each server. */
class Source {
  static all = new Map();

  static of(path) {
    if (!Source.all.has(path)) Source.all.set(path, new Source(path));
    return Source.all.get(path);
  }

  constructor(path) {
    this.path = path;
    this.charts = new Set();
    this.parts = new Set();
    this.position = "0";
    this.tries = TRIES; // the first connection is the only one if nothing arrives
  }

  join(chart) {
    const missing = Boolean(chart.part) && !this.parts.has(chart.part);
    const behind = epochs(chart.version) < epochs(this.position);
    this.charts.add(chart);
    if (chart.part) this.parts.add(chart.part);
    if (!this.events || missing || behind) this.open();
  }

  leave(chart) {
    this.charts.delete(chart);
    if (!this.charts.size) this.close();
  }

  // Open the connection where the chart is that has the fewest points; the others ignore what they have.
  open() {
    this.events?.close();
    const versions = [...this.charts].map((chart) => chart.version);
    const after = versions.reduce((one, other) => (epochs(other) < epochs(one) ? other : one));
    const query = new URLSearchParams({ after, with: [...this.parts].sort().join(",") });
    const events = (this.events = new EventSource(`${this.path}&${query}`));
    this.listen();
    const on = (name, act) =>
      events.addEventListener(name, (event) => {
        this.hear();
        for (const chart of [...this.charts]) act(chart, event);
      });
    on("ready", () => {});
    events.addEventListener("point", (event) => {
      this.hear();
      const message = JSON.parse(event.data);
      this.position = event.lastEventId;
      for (const chart of [...this.charts]) chart.take(message, this.position);
    });
    // a run entered another state, wrote a text, or ended: what only the page can draw
    on("page", (chart, event) => event.data !== chart.phase && chart.ask(event.data));
    // where many watch, their pages take turns
    on("spread", (chart, event) => (chart.spread = 1000 * Number(event.data)));
    events.addEventListener("end", () => [...this.charts].forEach((chart) => chart.disconnect()));
  }

  // A message has arrived.
  hear() {
    this.tries = 0;
    this.listen();
  }

  listen() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.doubt(), SILENCE);
  }

  // Nothing has arrived for a while: connect again, or give up.
  doubt() {
    if (this.tries < TRIES) {
      this.tries += 1;
      this.open();
      return;
    }
    const charts = [...this.charts];
    this.close();
    for (const chart of charts) chart.giveUp();
  }

  close() {
    clearTimeout(this.silence);
    this.events?.close();
    this.charts.clear();
    Source.all.delete(this.path);
  }
}

/** Wait until the browser has drawn what else has changed, but not for long. */
function atLeisure() {
  return new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve, { timeout: LEISURE }));
}

/** Return how far the runs of a position have come together, in epochs. */
function epochs(position) {
  return position.split(",").reduce((sum, part) => sum + Number(part), 0);
}

/** Return whether a colour, as #RRGGBB or rgb(r, g, b), is dark. */
function dark(color) {
  const hex = color.trim().match(/^#(..)(..)(..)$/);
  const [red, green, blue] = hex ? hex.slice(1).map((part) => parseInt(part, 16)) : (color.match(/\d+/g) ?? [255, 255, 255]);
  return 0.3 * red + 0.59 * green + 0.11 * blue < 128;
}

/** Hide the marks that have nothing to show from screen readers, to which Vega announces them without a name. */
function hideEmpty(canvas) {
  for (const mark of canvas.querySelectorAll("g.role-mark[role=graphics-symbol]")) {
    mark.toggleAttribute("aria-hidden", false);
    if (!mark.childElementCount) mark.setAttribute("aria-hidden", "true");
  }
}

/** Return the rows of a table given as columns, or as their JSON. */
function rows(columns) {
  const table = typeof columns === "string" ? JSON.parse(columns) : columns;
  const names = Object.keys(table);
  const count = names.length ? table[names[0]].length : 0;
  return Array.from({ length: count }, (_, row) => Object.fromEntries(names.map((name) => [name, table[name][row]])));
}

// The signals of Vega-Lite's zoom: the shown part of each axis.
function zoomOf(view) {
  const { signals } = view.getState({ signals: (name) => /^zoom_(?!tuple|translate|zoom|modify)/.test(name), data: () => false });
  return Object.fromEntries(Object.entries(signals).filter(([, value]) => Array.isArray(value)));
}

/** Write the figures above the chart: each element of the head with `data-figure` takes the text of that name. */
function write(head, figures) {
  head.hidden = !figures;
  if (!figures) return;
  for (const element of head.querySelectorAll("[data-figure]")) {
    const text = figures[element.dataset.figure] ?? "";
    if (element.textContent === text && element.hidden === (text === "")) continue;
    element.textContent = text;
    element.title = text; // where it is cut off
    element.hidden = text === "";
  }
  const bar = head.querySelector(".lab-progress");
  bar.setAttribute("aria-label", figures.epoch);
  bar.setAttribute("aria-valuenow", figures.percent);
  bar.firstElementChild.style.width = `${figures.percent}%`;
  head.dataset.code = figures.code; // the state as the program knows it, for its colour
}

/** Write a table given by columns; its first column names the rows. */
function writeTable(place, columns) {
  place.hidden = !columns;
  if (!columns) return;
  const text = JSON.stringify(columns);
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  const cell = (kind, content, scope) => {
    const element = document.createElement(kind);
    element.textContent = content;
    if (scope) element.scope = scope;
    return element;
  };
  const line = (cells) => {
    const row = document.createElement("tr");
    row.append(...cells);
    return row;
  };
  const head = document.createElement("thead");
  head.append(line(Object.keys(columns).map((name) => cell("th", name, "col"))));
  const body = document.createElement("tbody");
  const values = Object.values(columns);
  for (let row = 0; row < values[0].length; row++) body.append(line(values.map((column) => cell("td", column[row]))));
  place.replaceChildren(head, body);
}
