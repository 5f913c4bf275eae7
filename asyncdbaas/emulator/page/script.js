"use strict";

const POLL_MS = 1000;
const HISTORY = 120; // points of the plot, one a poll
const MOST_ROWS = 200;
const find = (id) => document.getElementById(id);

const state = {
  token: "",
  secrets: false,
  newest: 0, // number of the newest request that is known
  requests: [],
  history: new Map(), // token: points of the plot
  opened: new Set(), // ids of clusters that are unfolded
  shown: {}, // what each part of the page was made of, to leave unchanged parts alone
};

async function ask(method, path, body) {
  const headers = state.token ? { authorization: `Bearer ${state.token}` } : {};
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(`/_emulator${path}`, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const parsed = answer.status === 204 ? null : await answer.json();
  if (answer.status === 401) find("token-form").hidden = false;
  if (!answer.ok) throw new Error(parsed.message);
  return parsed;
}

// Names come from whoever uses the emulator, so text is only ever set as text.
function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = String(text);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function row(values) {
  const made = element("tr");
  made.append(...values.map((value) => (value instanceof Node ? cell(value) : element("td", value))));
  return made;
}

function cell(node) {
  const made = element("td");
  made.append(node);
  return made;
}

function changed(part, data) {
  const text = JSON.stringify(data);
  if (state.shown[part] === text) return false;
  state.shown[part] = text;
  return true;
}

const duration = (seconds) => (seconds < 120 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`);
const time = (at) => new Date(at * 1000).toISOString().slice(0, 19).replace("T", " ");

// Rate limits

function showLimits(limits) {
  for (const each of limits.tokens) {
    const points = state.history.get(each.token) ?? [];
    points.push([each.minute / limits.per_minute, each.hour / limits.per_hour]);
    state.history.set(each.token, points.slice(-HISTORY));
  }
  const names = limits.tokens.map((each) => each.token);
  const choice = find("limits-token");
  if (changed("tokens", names)) {
    const before = choice.value;
    choice.replaceChildren(...names.map((name) => element("option", name)));
    if (names.includes(before)) choice.value = before;
  }
  find("token-choice").hidden = names.length < 2;
  const usage = limits.tokens.find((each) => each.token === choice.value);
  showUsage(usage ?? { minute: 0, hour: 0, minute_frees_in: 0, hour_frees_in: 0 }, limits);
  showPlot(state.history.get(choice.value) ?? []);
}

function showUsage(usage, limits) {
  for (const [name, limit] of [["minute", limits.per_minute], ["hour", limits.per_hour]]) {
    const meter = find(`${name}-meter`);
    Object.assign(meter, { max: limit, high: 0.8 * limit, optimum: 0 });
    meter.value = usage[name];
    find(`${name}-text`).textContent = `${usage[name]} of ${limit} in use`;
  }
  const text = whyWait(usage, limits);
  if (changed("waiting", text)) find("waiting").textContent = text;
}

function whyWait(usage, limits) {
  if (usage.hour >= limits.per_hour) {
    return `The hour is full: a client waits ${duration(usage.hour_frees_in)} for room (virtual time).`;
  }
  if (usage.minute >= limits.per_minute) {
    return `The minute is full: a client waits ${duration(usage.minute_frees_in)} for room (virtual time).`;
  }
  const left = Math.min(limits.per_minute - usage.minute, limits.per_hour - usage.hour);
  return `No client needs to wait: room for ${left} requests.`;
}

function showPlot(points) {
  const start = HISTORY - points.length;
  ["minute", "hour"].forEach((name, index) => {
    const places = points.map((point, number) => {
      const x = ((start + number) / (HISTORY - 1)) * 600;
      return `${x.toFixed(1)},${(159 - Math.min(1, point[index]) * 158).toFixed(1)}`;
    });
    find(`${name}-line`).setAttribute("points", places.join(" "));
  });
  const last = points[points.length - 1] ?? [0, 0];
  const [minute, hour] = last.map((share) => Math.round(share * 100));
  find("plot").setAttribute("aria-label", `${minute} % of the minute and ${hour} % of the hour are in use`);
}

// Requests

function takeRequests(answer) {
  if (answer.total === 0) state.requests = []; // cleared or reset
  if (answer.last.length) state.newest = Math.max(state.newest, answer.last[0].number);
  state.requests = [...answer.last, ...state.requests].slice(0, 1000);
  showRequests();
}

function showRequests() {
  if (find("paused").checked) return;
  const wanted = find("filter").value.trim().toLowerCase();
  const matching = state.requests.filter((seen) =>
    `${seen.method} ${seen.path} ${seen.operation} ${seen.status}`.toLowerCase().includes(wanted));
  if (!changed("requests", [wanted, state.newest, matching.length])) return;
  find("requests-rows").replaceChildren(...matching.slice(0, MOST_ROWS).map((seen) => {
    const status = element("span", seen.status || "cut", { class: seen.status && seen.status < 400 ? "ok" : "failed" });
    const milliseconds = (seen.seconds * 1000).toFixed(1);
    return row([time(seen.at), seen.method, seen.path, status, milliseconds, seen.minute_left ?? "", seen.hour_left ?? ""]);
  }));
  const shown = Math.min(matching.length, MOST_ROWS);
  find("requests-count").textContent = `${shown} of ${state.requests.length} requests shown`;
}

// Faults

function showFaults(faults) {
  if (!changed("faults", faults)) return;
  find("faults-rows").replaceChildren(...faults.map((fault) => {
    const remove = element("button", "Remove", {
      type: "button",
      "aria-label": `Remove ${fault.kind} for ${fault.operation}`,
    });
    remove.addEventListener("click", () => act(() => ask("DELETE", `/faults/${fault.id}`)));
    return row([fault.operation, fault.kind, fault.times ?? "for ever", fault.skip, fault.probability, fault.injected, remove]);
  }));
}

async function addFault() {
  const number = (id) => Number(find(id).value);
  await ask("POST", "/faults", {
    operation: find("fault-operation").value,
    kind: find("fault-kind").value,
    times: find("fault-times").value === "" ? null : number("fault-times"),
    skip: number("fault-skip"),
    probability: number("fault-probability"),
    delay: number("fault-delay"),
    applied: find("fault-applied").checked,
  });
}

function fillFaultForm(index) {
  find("fault-operation").replaceChildren(...["*", ...index.operations].map((name) => element("option", name)));
  find("fault-kind").replaceChildren(...Object.keys(index.faults).map((name) => element("option", name)));
  const explain = () => { find("fault-help").textContent = index.faults[find("fault-kind").value].replaceAll("`", ""); };
  find("fault-kind").addEventListener("change", explain);
  find("fault-kind").value = "server_error";
  explain();
}

// Clusters

async function showClusters() {
  const query = `?secrets=${state.secrets}`;
  const { clusters } = await ask("GET", `/clusters${query}`);
  const contents = new Map();
  for (const cluster of clusters.filter((each) => state.opened.has(each.id))) {
    contents.set(cluster.id, (await ask("GET", `/clusters/${cluster.id}/contents${query}`)).contents);
  }
  const parts = clusters.map((cluster) => clusterDetails(cluster, contents.get(cluster.id)));
  if (changed("clusters", clusters.map((cluster) => cluster.id))) find("clusters-list").replaceChildren(...parts);
  find("clusters-count").textContent = `${clusters.length} ${clusters.length === 1 ? "cluster" : "clusters"}`;
}

// Made once for each cluster and updated in place, so that focus and clicks are not lost.
function clusterDetails(cluster, contents) {
  const id = `cluster-${cluster.id}`;
  const made = document.getElementById(id) ?? newDetails(id, cluster.id);
  const nodes = `${cluster.num_nodes} ${cluster.num_nodes === 1 ? "node" : "nodes"}`;
  const line = `${cluster.name}: ${cluster.engine} ${cluster.version}, ${cluster.status}, ${nodes} of ${cluster.size} in ${cluster.region}`;
  if (made.firstChild.textContent !== line) made.firstChild.textContent = line;
  if (changed(id, [contents && cluster.connection, contents])) made.lastChild.replaceChildren(...clusterTables(cluster, contents));
  return made;
}

function newDetails(id, clusterId) {
  const made = element("details", undefined, { id });
  made.append(element("summary"), element("div"));
  made.addEventListener("toggle", () => {
    made.open ? state.opened.add(clusterId) : state.opened.delete(clusterId);
    act(showClusters);
  });
  return made;
}

function clusterTables(cluster, contents) {
  if (!contents) return [];
  const lists = Object.entries(contents).filter(([, objects]) => Array.isArray(objects) && objects.length);
  return [
    table("connection", [cluster.connection ?? {}]),
    ...lists.map(([kind, objects]) => table(kind.replaceAll("_", " "), objects)),
  ];
}

function table(title, objects) {
  const part = element("section");
  part.append(element("h3", `${title} (${objects.length})`));
  const scroll = element("div", undefined, { class: "scroll", role: "region", "aria-label": title, tabindex: "0" });
  const columns = [...new Set(objects.flatMap((each) => Object.keys(each)))];
  const made = element("table");
  const head = element("tr");
  head.append(...columns.map((name) => element("th", name, { scope: "col" })));
  made.createTHead().append(head);
  made.createTBody().append(...objects.slice(0, MOST_ROWS).map((each) => row(columns.map((name) => plain(each[name])))));
  scroll.append(made);
  part.append(scroll);
  if (objects.length > MOST_ROWS) part.append(element("p", `and ${objects.length - MOST_ROWS} more`, { class: "quiet" }));
  return part;
}

const plain = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : (value ?? ""));

// Clock

function showClock(clock) {
  find("now").textContent = `${time(clock.now)} UTC`;
  const speeds = { 0: "stands still", 1: "runs in real time" };
  const speed = speeds[clock.scale] ?? `runs ${clock.scale} times as fast as real time`;
  if (changed("scale", clock.scale)) {
    find("scale-text").textContent = speed;
    if (document.activeElement !== find("scale")) find("scale").value = clock.scale;
  }
}

// The page

async function refresh() {
  showClock(await ask("GET", "/clock"));
  showLimits(await ask("GET", "/limits"));
  takeRequests(await ask("GET", `/requests?after=${state.newest}`));
  showFaults((await ask("GET", "/faults")).faults);
  await showClusters();
}

// Everything that asks the emulator runs here, one after the other, and says so if it fails.
let queue = Promise.resolve();
function act(step, { silent = false } = {}) {
  queue = queue.then(step).then(
    () => {
      report("");
      if (!silent) return refresh().catch((error) => report(error.message));
    },
    (error) => report(error.message),
  );
  return queue;
}

function report(problem) {
  if (changed("problem", problem)) find("problem").textContent = problem;
  const said = problem ? "Not connected, or refused" : `Connected to ${location.origin}`;
  if (changed("connection", said)) find("connection").textContent = said;
}

async function poll() {
  if (!document.hidden) await act(refresh, { silent: true });
  setTimeout(poll, POLL_MS);
}

function onSubmit(id, step) {
  find(id).addEventListener("submit", (event) => {
    event.preventDefault();
    act(step);
  });
}

onSubmit("fault-form", addFault);
onSubmit("step-form", () => ask("POST", "/clock", { seconds: Number(find("step").value) }));
onSubmit("scale-form", () => ask("PUT", "/clock", { scale: Number(find("scale").value) }));
onSubmit("token-form", async () => {
  state.token = find("token").value;
  fillFaultForm(await ask("GET", ""));
  find("token-form").hidden = true;
});
find("secrets").addEventListener("click", () => {
  state.secrets = !state.secrets;
  find("secrets").setAttribute("aria-pressed", String(state.secrets));
  act(showClusters);
});
find("filter").addEventListener("input", showRequests);
find("paused").addEventListener("change", showRequests);
find("limits-token").addEventListener("change", () => act(refresh, { silent: true }));
act(async () => fillFaultForm(await ask("GET", "")), { silent: true }).then(poll);
