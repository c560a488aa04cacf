"use strict";
// One unit's graph: which edges are right, which a method chose or scored highest. Drawn with Plotly from the page's data.

(() => {
  const data = JSON.parse(document.getElementById("picture-data").textContent);
  const form = document.querySelector(".choose");
  const plot = document.getElementById("circuit");
  const PART = { q: 0.16, k: 0, v: -0.16, "": 0 };
  const STEPS = 14;
  // What an edge is, how it is drawn, and what the legend says. Dashes differ wherever colours do.
  const VERDICTS = {
    found: { label: "right and found", colour: "--method", dash: "solid" },
    missed: { label: "right and missed", colour: "--control", dash: "dash" },
    false: { label: "wrong", colour: "--bad", dash: "dot" },
    spare: { label: "only in another right circuit", colour: "--soft", dash: "dashdot" },
    other: { label: "neither", colour: "--line", dash: "solid" },
  };
  const WIDTHS = [[0.5, 4], [0.1, 2.5], [0, 1.5]]; // share of the largest score, line width

  function colour(name) {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = `var(${name})`;
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  // ---- what is shown ------------------------------------------------------------------------------------------
  function ranksOf(scores) {
    const order = scores.map((_, index) => index).sort((a, b) => scores[b] - scores[a] || a - b);
    const ranks = [];
    order.forEach((edge, place) => { ranks[edge] = place + 1; });
    return ranks;
  }

  const overlap = (circuit, shown) => {
    const shared = circuit.filter((edge) => shown.has(edge)).length;
    return shared / Math.max(1, circuit.length + shown.size - shared);
  };

  // Of several right circuits the one that is nearest to what is shown.
  function nearest(shown) {
    return data.circuits.reduce((best, one) => (overlap(one, shown) > overlap(best, shown) ? one : best), data.circuits[0] ?? []);
  }

  function verdicts(shown) {
    const right = new Set(nearest(shown));
    const spare = new Set(data.circuits.flat());
    return data.edges.map((_, edge) => {
      if (right.has(edge)) return shown.has(edge) ? "found" : "missed";
      if (spare.has(edge)) return "spare";
      return shown.has(edge) ? "false" : "other";
    });
  }

  function state() {
    const chosen = Object.fromEntries(new FormData(form));
    const answer = data.answers[chosen.method];
    const ranks = ranksOf(answer.scores);
    const top = chosen.shown === "top";
    const shown = new Set(top ? ranks.flatMap((rank, edge) => (rank <= Number(chosen.count) ? [edge] : [])) : answer.chosen);
    return { answer, ranks, shown, top, verdict: verdicts(shown), others: "others" in chosen };
  }

  // ---- drawing ------------------------------------------------------------------------------------------------
  // An edge bends away from the straight line the more, the more columns it skips, so that edges do not lie on nodes.
  function curve([, source, target, part]) {
    const [, x0, y0] = data.nodes[source];
    const [, x1, y1] = data.nodes[target];
    const end = [part ? x1 - 0.1 : x1, y1 + PART[part]];
    const bend = 0.22 * (x1 - x0 - 1) * (y0 + y1 >= 0 ? 1 : -1);
    return Array.from({ length: STEPS + 1 }, (_, step) => {
      const t = step / STEPS;
      return [x0 + t * (end[0] - x0), y0 + t * (end[1] - y0) + 4 * t * (1 - t) * bend];
    });
  }

  function widthOf(score, largest) {
    const share = largest > 0 ? Math.max(0, score) / largest : 0;
    return WIDTHS.find(([least]) => share >= least)[1];
  }

  const isNode = ([, source, target]) => source === target;

  function edgeTraces(now) {
    const largest = Math.max(...now.answer.scores);
    const groups = new Map();
    data.edges.forEach((edge, index) => {
      const verdict = now.verdict[index];
      if (isNode(edge) || (verdict === "other" && !now.others)) return;
      const width = verdict === "other" ? 0.6 : widthOf(now.answer.scores[index], largest);
      const key = `${verdict} ${width}`;
      if (!groups.has(key)) groups.set(key, { verdict, width, edges: [] });
      groups.get(key).edges.push(index);
    });
    return [...groups.values()].sort((a, b) => (b.verdict === "other") - (a.verdict === "other")).map((group) => {
      const points = group.edges.flatMap((index) => [...curve(data.edges[index]), [null, null]]);
      return {
        type: "scatter", mode: "lines", hoverinfo: "skip", showlegend: false,
        x: points.map(([x]) => x), y: points.map(([, y]) => y),
        line: { color: colour(VERDICTS[group.verdict].colour), dash: VERDICTS[group.verdict].dash, width: group.width },
      };
    });
  }

  const say = (now, index) =>
    `${data.edges[index][0]}: ${VERDICTS[now.verdict[index]].label}<br>score ${now.answer.scores[index]}, rank ${now.ranks[index]} of ${data.edges.length}`;

  function middles(now) {
    const drawn = data.edges.flatMap((edge, index) => (isNode(edge) || now.verdict[index] === "other" ? [] : [index]));
    const points = drawn.map((index) => curve(data.edges[index])[STEPS / 2]);
    return {
      type: "scatter", mode: "markers", showlegend: false, hoverinfo: "text", text: drawn.map((index) => say(now, index)),
      x: points.map(([x]) => x), y: points.map(([, y]) => y),
      marker: { size: 7, color: drawn.map((index) => colour(VERDICTS[now.verdict[index]].colour)) },
    };
  }

  // A node is filled where an edge of its own says so (node granularity), else where an edge that is shown touches it.
  function nodeTrace(now) {
    const own = new Map(data.edges.flatMap((edge, index) => (isNode(edge) ? [[edge[1], index]] : [])));
    const touched = new Set(data.edges.flatMap(([, source, target], index) => (now.verdict[index] === "found" || now.verdict[index] === "false" ? [source, target] : [])));
    const fill = (node) => {
      if (own.has(node)) return colour(VERDICTS[now.verdict[own.get(node)]].colour);
      return colour(touched.has(node) ? "--ink" : "--line");
    };
    return {
      type: "scatter", mode: "markers+text", showlegend: false, hoverinfo: "text", textposition: "bottom center",
      x: data.nodes.map(([, x]) => x), y: data.nodes.map(([, , y]) => y), text: data.nodes.map(([name]) => name),
      hovertext: data.nodes.map(([name], node) => (own.has(node) ? say(now, own.get(node)) : name)),
      marker: { size: 14, color: data.nodes.map((_, node) => fill(node)), line: { width: 1, color: colour("--ink") } },
    };
  }

  const legend = () => Object.values(VERDICTS).slice(0, 4).map(({ label, colour: name, dash }) => ({
    type: "scatter", mode: "lines", name: label, x: [null], y: [null], line: { color: colour(name), dash, width: 2.5 },
  }));

  function draw(now) {
    const hidden = { visible: false, fixedrange: true };
    const rows = Math.max(...data.nodes.map(([, , y]) => Math.abs(y))) * 2 + 1;
    const layout = {
      xaxis: hidden, yaxis: hidden, height: Math.max(340, 70 * rows + 80), margin: { l: 30, r: 30, t: 10, b: 10 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest", dragmode: false,
      font: { color: colour("--ink"), size: 13 }, legend: { orientation: "h", y: 1.08 },
    };
    Plotly.react(plot, [...edgeTraces(now), nodeTrace(now), middles(now), ...legend()], layout, { responsive: true, displayModeBar: false });
  }

  // ---- the table and the sentence -----------------------------------------------------------------------------
  function fillTable(now) {
    const rows = data.edges.flatMap((_, index) => (now.verdict[index] === "other" ? [] : [index]));
    rows.sort((a, b) => now.ranks[a] - now.ranks[b]);
    document.querySelector("#edges tbody").replaceChildren(...rows.map((index) => {
      const row = document.createElement("tr");
      const texts = [data.edges[index][0], VERDICTS[now.verdict[index]].label, now.answer.scores[index], now.ranks[index]];
      texts.forEach((text, column) => {
        const cell = document.createElement(column ? "td" : "th");
        if (column === 0) { cell.scope = "row"; cell.className = "pinned"; }
        if (column > 1) cell.className = "number";
        cell.textContent = text;
        row.append(cell);
      });
      return row;
    }));
  }

  function sentence(now) {
    const count = (verdict) => now.verdict.filter((one) => one === verdict).length;
    const several = data.circuits.length > 1 ? ` (the nearest of ${data.circuits.length} equally right circuits)` : "";
    if (data.null) return `Nothing is to be found here; ${now.shown.size} of ${data.edges.length} edges are shown, all of them wrong.`;
    if (!data.circuits.length) return `${now.shown.size} of ${data.edges.length} edges are shown; no circuit of this model is known.`;
    return `${count("found")} of ${nearest(now.shown).length} right edges are found${several}, ${count("false")} wrong ones are shown, of ${data.edges.length} in all.`;
  }

  function show() {
    const now = state();
    form.querySelector(".count").hidden = !now.top;
    form.querySelector("output").value = form.elements.count.value;
    document.getElementById("verdict").textContent = sentence(now);
    fillTable(now);
    if (typeof Plotly !== "undefined") draw(now);
  }

  function start() {
    const wanted = decodeURIComponent(location.hash.slice(1));
    if (wanted in data.answers) form.elements.method.value = wanted;
    form.elements.count.value = data.circuits.length ? nearest(new Set()).length : Math.ceil(data.edges.length / 10);
    form.hidden = false;
    form.addEventListener("input", show);
    form.addEventListener("submit", (event) => event.preventDefault());
    document.querySelector(".theme").addEventListener("click", show);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    show();
  }

  start();
})();
