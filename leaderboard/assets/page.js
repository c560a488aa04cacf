"use strict";
// Sorting, filtering, the theme and the plots. Without this script the page is still complete but for the plots.

(() => {
  const THEMES = ["auto", "light", "dark"];
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  // A browser may refuse storage for pages opened from disk; the theme is then forgotten, nothing else.
  function remembered(write) {
    try {
      return write === undefined ? localStorage.getItem("theme") : localStorage.setItem("theme", write);
    } catch {
      return null;
    }
  }

  // ---- theme ------------------------------------------------------------------------------------------------
  function showTheme(theme) {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    all(".theme").forEach((button) => { button.textContent = `Theme: ${theme}`; });
    all(".plot.js-plotly-plot").forEach(draw);
  }

  function startTheme() {
    const kept = remembered();
    let theme = THEMES.includes(kept) ? kept : "auto";
    showTheme(theme);
    all(".theme").forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", () => {
        theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
        remembered(theme);
        showTheme(theme);
      });
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => showTheme(theme));
  }

  // ---- sorting ----------------------------------------------------------------------------------------------
  const keyOf = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();

  // Cells without a value stay at the end in both directions.
  function compare(first, second, sign) {
    if (first === "" || second === "") return (first === "") - (second === "");
    const [a, b] = [Number(first), Number(second)];
    const order = Number.isNaN(a) || Number.isNaN(b) ? first.localeCompare(second, "en") : a - b;
    return sign * order;
  }

  function sortBy(header) {
    const body = header.closest("table").tBodies[0];
    const first = header.dataset.first ?? "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const direction = header.getAttribute("aria-sort") === first ? other : first;
    const column = header.cellIndex;
    const sign = direction === "ascending" ? 1 : -1;
    all("th[aria-sort]", header.closest("thead")).forEach((th) => th.setAttribute("aria-sort", "none"));
    header.setAttribute("aria-sort", direction);
    body.append(...Array.from(body.rows).sort((a, b) => compare(keyOf(a, column), keyOf(b, column), sign)));
  }

  // ---- filter -----------------------------------------------------------------------------------------------
  const has = (list, wanted) => list === undefined || wanted === "" || list.split(" ").includes(wanted);

  function matches(element, wanted) {
    const { text, kind, status, task } = element.dataset;
    return (text === undefined || text.includes(wanted.text))
      && has(kind, wanted.kind) && has(status, wanted.status) && has(task, wanted.task);
  }

  function applyFilter(form) {
    const wanted = Object.fromEntries(new FormData(form));
    wanted.text = wanted.text.trim().toLowerCase();
    const rows = all("[data-row]");
    rows.forEach((row) => { row.hidden = !matches(row, wanted); });
    const shown = rows.filter((row) => !row.hidden).length;
    form.querySelector("output").value = shown === rows.length ? `${rows.length} rows` : `${shown} of ${rows.length} rows`;
  }

  function startFilter() {
    const form = document.querySelector(".filter");
    if (!form) return;
    form.hidden = false;
    form.addEventListener("input", () => applyFilter(form));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(() => applyFilter(form)));
    applyFilter(form);
  }

  // ---- plots ------------------------------------------------------------------------------------------------
  // A figure names its colours ("ink", "method"); they are looked up here so that one figure serves both themes.
  function colour(name) {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = `var(--${name})`;
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  const themed = (value) => {
    if (Array.isArray(value)) return value.map(themed);
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, themed(inner)]));
    }
    return typeof value === "string" && value.startsWith("--") ? colour(value.slice(2)) : value;
  };

  function draw(element) {
    const figure = themed(JSON.parse(document.getElementById(`${element.id}-figure`).textContent));
    element.replaceChildren(...all(".plot-container", element));
    Plotly.react(element, figure.data, figure.layout, { responsive: true, displayModeBar: false });
  }

  function startPlots() {
    const seen = new IntersectionObserver((entries) => {
      entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
        seen.unobserve(entry.target);
        draw(entry.target);
      });
    }, { rootMargin: "400px" });
    if (typeof Plotly !== "undefined") all(".plot").forEach((element) => seen.observe(element));
  }

  // A link into a closed <details> opens it.
  function openTarget() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let outer = target && target.closest("details"); outer; outer = outer.parentElement.closest("details")) outer.open = true;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".sort");
    if (button) sortBy(button.closest("th"));
  });
  addEventListener("hashchange", openTarget);
  startTheme();
  startFilter();
  startPlots();
  openTarget();
})();
