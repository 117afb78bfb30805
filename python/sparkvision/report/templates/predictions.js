// The report's gallery and charts. All text is untrusted: it becomes text nodes and attributes, never markup.
"use strict";

const report = JSON.parse(document.getElementById("data").textContent);
const IMAGES_PER_PAGE = 24;
const filters = document.getElementById("filters");
const field = (name) => filters.elements.namedItem(name);
let page = 0;
let found = report.images;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "style") Object.assign(made.style, value);
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const count = (number) => number.toLocaleString("en");
const percent = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;
const label = (image) => (image.scores.length ? image.scores[0][0] : undefined);
const score = (image) => (image.scores.length ? image.scores[0][1] : null);
// Errors are grouped by their text without its numbers. A reader sees one error of each group with its numbers.
const example = (reason) => report.examples[reason] ?? reason;
const isJudged = (image) => image.truth !== undefined && label(image) !== undefined;
const isWrong = (image) => isJudged(image) && image.truth !== label(image);

// The choices of the field "Show".
const SHOWN = {
  all: ["all", () => true],
  labelled: ["with a label", (image) => label(image) !== undefined],
  unlabelled: ["without a label", (image) => label(image) === undefined && !image.error],
  errors: ["errors", (image) => image.error !== undefined],
  wrong: ["wrong label", isWrong],
  right: ["right label", (image) => isJudged(image) && !isWrong(image)],
};

const byText = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
const SORTED = {
  given: ["order of the table", null],
  path: ["path", (a, b) => byText(a.path, b.path)],
  label: ["label", (a, b) => byText(label(a) ?? "\uffff", label(b) ?? "\uffff")],
  best: ["score, highest first", (a, b) => (score(b) ?? -Infinity) - (score(a) ?? -Infinity)],
  worst: ["score, lowest first", (a, b) => (score(a) ?? Infinity) - (score(b) ?? Infinity)],
};

// Filters

function matches() {
  const text = field("text").value.toLowerCase();
  const shown = SHOWN[field("show").value][1];
  const [from, to] = [field("from").value, field("to").value];
  const wanted = { label: field("label").value, truth: field("truth").value, reason: field("reason").value };
  return (image) =>
    shown(image) &&
    (!text || image.path.toLowerCase().includes(text)) &&
    (!wanted.label || "=" + label(image) === wanted.label) &&
    (!wanted.truth || "=" + image.truth === wanted.truth) &&
    (!wanted.reason || "=" + image.reason === wanted.reason) &&
    (from === "" || (score(image) !== null && score(image) >= Number(from))) &&
    (to === "" || (score(image) !== null && score(image) <= Number(to)));
}

function applyFilters() {
  found = report.images.filter(matches());
  const compare = SORTED[field("sort").value][1];
  if (compare) found.sort(compare);
  page = 0;
  showPage();
}

/** Show the images that a part of a chart stands for: these filters are set, and all others are cleared. */
function filterBy(values) {
  filters.reset();
  for (const [name, value] of Object.entries(values)) {
    field(name).value = value;
    // A chart may count a label that none of the page's images has.
    const text = name === "reason" ? example(value.slice(1)) : value.slice(1);
    if (field(name).value !== value) field(name).append(element("option", { value, selected: "" }, text));
  }
  applyFilters();
  document.getElementById("images-heading").scrollIntoView();
}

// The "=" before each value distinguishes an empty label from "any".
function offer(name, values, text = (value) => value) {
  const options = values.map((value) => element("option", { value: "=" + value }, text(value)));
  field(name).replaceChildren(element("option", { value: "" }, "any"), ...options);
}

function distinct(value) {
  const values = new Set(report.images.map(value));
  values.delete(undefined);
  return [...values].sort(byText);
}

function fillFilters() {
  const truths = distinct((image) => image.truth);
  const kinds = Object.entries(SHOWN).filter(([kind]) => truths.length || !["wrong", "right"].includes(kind));
  field("show").replaceChildren(...kinds.map(([kind, [name]]) => element("option", { value: kind }, name)));
  field("sort").replaceChildren(...Object.entries(SORTED).map(([kind, [name]]) => element("option", { value: kind }, name)));
  offer("label", distinct(label));
  offer("truth", truths);
  offer("reason", distinct((image) => image.reason), example);
  document.getElementById("truth-filter").hidden = !truths.length;
  document.getElementById("heat-filter").hidden = !report.images.some((image) => image.heatMap);
  filters.addEventListener("input", applyFilters);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(applyFilters));
}

// Gallery: the document holds only the cards of one page.

function showPage() {
  const pages = Math.max(1, Math.ceil(found.length / IMAGES_PER_PAGE));
  const first = page * IMAGES_PER_PAGE;
  const cards = found.slice(first, first + IMAGES_PER_PAGE).map(card);
  document.getElementById("gallery").replaceChildren(...cards);
  const all = report.images.length;
  const chosen = all < report.total ? ` The page has ${report.choice} of ${count(report.total)} images.` : "";
  document.getElementById("found").textContent = `${count(found.length)} of ${count(all)} images.${chosen}`;
  document.getElementById("page").textContent = `Page ${count(page + 1)} of ${count(pages)}`;
  document.getElementById("previous").disabled = page === 0;
  document.getElementById("next").disabled = page === pages - 1;
}

function turn(step) {
  page += step;
  showPage();
  document.getElementById("images-heading").scrollIntoView();
}

function card(image) {
  const name = image.path.split("/").pop() || "no name";
  const facts = [element("p", { class: "name", title: image.path }, name)];
  if (isWrong(image)) facts.push(element("p", { class: "verdict" }, `wrong: it is ${image.truth}`));
  if (image.error) facts.push(element("p", { class: "error" }, image.error));
  else if (!image.scores.length) facts.push(element("p", {}, "no label"));
  if (image.scores.length) facts.push(element("ul", { class: "scores" }, ...image.scores.map(scoreBar)));
  const kind = isWrong(image) ? "card wrong" : "card";
  return element("li", { class: kind }, frame(image, name), element("div", { class: "facts" }, ...facts));
}

function frame(image, name) {
  const heat = image.heatMap && field("heat").checked;
  const source = heat ? image.heatMap : image.thumbnail;
  const content = source ? element("img", { src: source, alt: heat ? `${name}, what the model looked at` : name }) : "no thumbnail";
  return element("div", { class: "frame" }, content);
}

function scoreBar([name, value]) {
  const shown = value === null ? "" : Math.abs(value) < 0.001 && value !== 0 ? value.toExponential(1) : value.toFixed(3);
  return element(
    "li",
    { class: "score" },
    element("span", { title: name }, name),
    element("span", { class: "value" }, shown),
    element("div", { class: "track" }, bar(Math.min(1, Math.max(0, value ?? 0)))),
  );
}

const bar = (share) => element("div", { class: "fill", style: { width: `${100 * share}%` } });

// Charts: they count all images, including those that the page does not show.

function tiles() {
  const { labelled, failed, judged, right, all_labels: labels } = report.summary;
  const facts = [
    [count(report.total), report.total === 1 ? "image" : "images"],
    [count(labelled), `labelled, with ${count(labels)} different labels`],
    [count(failed), "without a result, for an error"],
  ];
  if (judged) facts.push([percent(right, judged), `accuracy: ${count(right)} of ${count(judged)} best labels are right`]);
  return facts.map(([value, meaning]) => element("li", {}, element("strong", {}, value), meaning));
}

function section(heading, hint, ...content) {
  return element("section", {}, element("h2", {}, heading), element("p", { class: "hint" }, hint), ...content);
}

function histogram() {
  const steps = report.summary.histogram;
  const most = Math.max(...steps);
  const bars = steps.map((number, place) => {
    const [from, to] = [place, place + 1].map((step) => (step / steps.length).toFixed(2));
    const text = `${count(number)} images with a score from ${from} to ${to}`;
    const filled = element("div", { class: "fill", style: { height: number ? `max(2px, ${(100 * number) / most}%)` : "0" } });
    return element("button", { type: "button", title: text, "aria-label": text, onclick: () => filterBy({ from, to }) }, filled);
  });
  const axis = ["0", "0.25", "0.5", "0.75", "1"].map((mark) => element("span", {}, mark));
  const hint = `Scores of the best labels; the highest bar stands for ${count(most)} images. Choose a bar to see its images.`;
  return section("Scores", hint, element("div", { class: "histogram" }, ...bars), element("div", { class: "axis" }, ...axis));
}

function labelBars() {
  const { labels, all_labels: all } = report.summary;
  const rows = labels.map(([name, number]) =>
    element(
      "button",
      { type: "button", onclick: () => filterBy({ label: "=" + name }) },
      element("span", {}, name),
      element("div", { class: "track" }, bar(number / labels[0][1])),
      element("span", { class: "number" }, count(number)),
    ),
  );
  const hint = labels.length < all ? `The ${labels.length} most frequent of ${count(all)} best labels.` : "How often each is the best label.";
  return section("Labels", hint, element("ul", { class: "bars" }, ...rows.map((row) => element("li", {}, row))));
}

function reasons() {
  const rows = report.summary.reasons.map(([reason, number]) =>
    element(
      "button",
      { type: "button", onclick: () => filterBy({ reason: "=" + reason }) },
      element("span", {}, example(reason)),
      element("span", { class: "number" }, count(number)),
    ),
  );
  const list = element("ul", { class: "bars reasons" }, ...rows.map((row) => element("li", {}, row)));
  return section("Errors", "Why images have no result. Errors that differ only in their numbers are counted together, and one of them is shown.", list);
}

function confusion() {
  const { labels, counts, all_labels: all } = report.summary.confusion;
  const most = Math.max(1, ...counts.flat());
  const heading = labels.map((name) => element("th", { scope: "col", title: name }, shortened(name)));
  const rows = labels.map((truth, row) => {
    const cells = labels.map((name, column) => cell(truth, name, counts[row][column], counts[row][column] / most));
    return element("tr", {}, element("th", { scope: "row", title: truth }, shortened(truth)), ...cells);
  });
  const table = element(
    "table",
    { class: labels.some((name) => name.length > 4) ? "matrix turned" : "matrix" },
    element("thead", {}, element("tr", {}, element("td"), ...heading)),
    element("tbody", {}, ...rows),
  );
  const some = labels.length < all ? ` The ${labels.length} of ${count(all)} labels with the most mistakes.` : "";
  const hint = `A row for each true label, a column for each best label. Choose a number to see its images.${some}`;
  const made = section("Confusion matrix", hint, element("div", { class: "wide" }, table));
  if (labels.length > 10) made.className = "whole";
  return made;
}

const shortened = (name) => (name.length > 18 ? name.slice(0, 17) + "\u2026" : name);

function cell(truth, name, number, share) {
  const ground = truth === name ? "--good" : "--bad";
  const style = number ? { background: `color-mix(in srgb, var(${ground}) ${8 + 37 * share}%, var(--ground))` } : {};
  const text = `${count(number)} images of ${truth} labelled ${name}`;
  const chosen = { truth: "=" + truth, label: "=" + name };
  const button = { type: "button", title: text, "aria-label": text, style, onclick: () => filterBy(chosen) };
  return element("td", {}, number ? element("button", button, count(number)) : "");
}

function timings() {
  const steps = ["decode", "preprocess", "run", "postprocess"];
  const heading = ["Stage", "Images", "Images per batch", ...steps.map((step) => `${step}, ms per image`)];
  const rows = report.timings.map((row) => {
    const each = steps.map((step) => ((1000 * row[`${step}_seconds`]) / Math.max(1, row.images)).toFixed(2));
    const numbers = [count(row.images), (row.images_per_batch ?? 0).toFixed(1), ...each];
    const cells = numbers.map((text) => element("td", { class: "number" }, text));
    return element("tr", {}, element("th", { scope: "row" }, row.stage), ...cells);
  });
  const head = heading.map((text, place) => element("th", { scope: "col", class: place ? "number" : "" }, text));
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
  const hint = "The sum of all tasks' times since the Spark application began, for each image that the stage has seen.";
  const made = section("Where the time went", hint, element("div", { class: "wide" }, table));
  made.className = "whole";
  return made;
}

function sections() {
  const { histogram: steps, labels, reasons: errors, confusion: matrix } = report.summary;
  const parts = [];
  if (matrix) parts.push(confusion());
  if (steps.some((number) => number)) parts.push(histogram());
  if (labels.length) parts.push(labelBars());
  if (errors.length) parts.push(reasons());
  if (report.timings.length) parts.push(timings());
  return parts;
}

document.getElementById("tiles").replaceChildren(...tiles());
document.getElementById("sections").replaceChildren(...sections());
document.getElementById("previous").addEventListener("click", () => turn(-1));
document.getElementById("next").addEventListener("click", () => turn(1));
fillFilters();
applyFilters();
