"use strict";
// Texts of models and data reach the page through textContent alone.
(() => {
  const A_PAGE = 10;
  const byText = new Intl.Collator(undefined, { numeric: true }).compare;

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  function words(text) {
    return text.toLowerCase().split(/\s+/).filter(Boolean);
  }

  function soon(action) {
    let waiting;
    return () => { clearTimeout(waiting); waiting = setTimeout(action, 120); };
  }

  // Tables

  function compareCells(one, other, sign) {
    if (one === "" || other === "") return (one === "") - (other === "");
    const numbers = [Number(one), Number(other)];
    const both = numbers.every(Number.isFinite);
    return sign * (both ? numbers[0] - numbers[1] : byText(one, other));
  }

  function sortRows(table, heading) {
    const headings = [...table.tHead.rows[0].cells];
    const at = headings.indexOf(heading);
    const now = heading.getAttribute("aria-sort");
    const other = { ascending: "descending", descending: "ascending" };
    const order = other[now] ?? heading.dataset.first;
    headings.forEach((one) => one.setAttribute("aria-sort", one === heading ? order : "none"));
    const sign = order === "ascending" ? 1 : -1;
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => compareCells(a.cells[at].dataset.key, b.cells[at].dataset.key, sign));
    table.tBodies[0].append(...rows);
  }

  function filterRows(table, input, count) {
    const wanted = words(input.value);
    const rows = [...table.tBodies[0].rows];
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !wanted.every((word) => text.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = wanted.length ? `${shown} of ${rows.length} rows` : "";
  }

  function enliven(input) {
    const table = document.getElementById(input.dataset.for);
    const count = input.closest(".controls").querySelector(".count");
    input.addEventListener("input", soon(() => filterRows(table, input, count)));
    for (const heading of table.tHead.rows[0].cells) {
      heading.querySelector("button").addEventListener("click", () => sortRows(table, heading));
    }
  }

  // Examples

  function mean(example) {
    const known = example.answers.map(([, score]) => score).filter((score) => score !== null);
    return known.length ? known.reduce((sum, score) => sum + score, 0) / known.length : 0;
  }

  function ordersOf(content) {
    const worse = content.higherIsBetter ? 1 : -1;
    const orders = [
      ["where the methods disagree most", (a, b) => b.spread - a.spread],
      ["in the order of the test set", (a, b) => a.at - b.at],
      ["hardest for all first", (a, b) => worse * (mean(a) - mean(b))],
    ];
    content.sides.forEach((side, i) => {
      const score = (example) => example.answers[i][1] ?? Infinity * worse;
      orders.push([`worst of ${side.name} first`, (a, b) => worse * (score(a) - score(b))]);
    });
    return orders;
  }

  function everything(example) {
    const texts = example.answers.map(([text]) => text);
    return [example.id, ...example.prompts, ...example.references, ...texts].join("\n").toLowerCase();
  }

  function marked(text, wanted) {
    if (!wanted.length) return [text];
    const escaped = wanted.map((word) => word.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&"));
    const parts = text.split(new RegExp(`(${escaped.join("|")})`, "gi"));
    return parts.map((part, i) => (i % 2 ? element("mark", { textContent: part }) : part));
  }

  function block(label, text, wanted) {
    const shown = text === ""
      ? element("p", { className: "words empty", textContent: "(empty)" })
      : element("p", { className: "words", dir: "auto" }, ...marked(text, wanted));
    return [...(label ? [element("p", { className: "label", textContent: label })] : []), shown];
  }

  function sideOf(side, [text, score, prompt], example, wanted) {
    const shown = score === null ? "–" : score.toFixed(1);
    const label = element("p", { className: "label" },
      element("span", { textContent: side.name, dir: "auto" }),
      element("span", { className: "score", textContent: shown, title: String(score) }));
    const made = element("div", { className: "side" }, label, ...block("", text, wanted));
    if (prompt > 0) {
      made.append(element("details", {}, element("summary", { textContent: "it read" }),
        ...block("", example.prompts[prompt], wanted)));
    }
    return made;
  }

  function articleOf(example, content, wanted) {
    const spread = `scores differ by a standard deviation of ${example.spread.toFixed(1)}`;
    const head = element("h4", {}, element("span", { textContent: example.id, dir: "auto" }),
      element("span", { className: "sub", textContent: spread, title: String(example.spread) }));
    const references = example.references.length ? example.references : [""];
    const sides = element("div", { className: "sides" });
    example.answers.forEach((answer, i) => {
      sides.append(sideOf(content.sides[i], answer, example, wanted));
    });
    return element("article", { className: "example" }, head,
      ...block("The model reads", example.prompts[0], wanted),
      ...references.flatMap((text, i) => block(i ? "or" : "It should answer", text, wanted)),
      sides);
  }

  function seedsOf(content) {
    if (content.sides.every((side) => side.seeds === 1)) return "";
    const seeds = [...new Set(content.sides.map((side) => side.seed))];
    return `Answers are those of the first seed of each row (${seeds.join(", ")}).`;
  }

  function partsOf(orders) {
    const count = element("output", { className: "count" });
    count.setAttribute("aria-live", "polite");
    return {
      search: element("input", { type: "search", autocomplete: "off", spellcheck: false }),
      order: element("select", {},
        ...orders.map(([name], i) => element("option", { value: String(i), textContent: name }))),
      count,
      list: element("div", { className: "list" }),
      back: element("button", { type: "button", textContent: "Previous" }),
      on: element("button", { type: "button", textContent: "Next" }),
    };
  }

  function layOut(section, content, { search, order, count, list, back, on }) {
    const about = `Scores are ${content.headline} of one example. ${seedsOf(content)} ${content.leftOut}`;
    section.append(
      element("p", { className: "sub", textContent: about }),
      element("div", { className: "controls" }, element("label", {}, "Search ", search),
        element("label", {}, "Order ", order), count),
      list,
      element("div", { className: "controls pages" }, back, on));
  }

  function finder(content, orders) {
    const texts = new Map(content.examples.map((example) => [example, everything(example)]));
    return (wanted, order) => content.examples
      .filter((example) => wanted.every((word) => texts.get(example).includes(word)))
      .sort((a, b) => orders[order][1](a, b) || a.at - b.at);
  }

  function browse(section, content) {
    const orders = ordersOf(content);
    const find = finder(content, orders);
    const parts = partsOf(orders);
    let start = 0;

    function show(from) {
      const wanted = words(parts.search.value);
      const found = find(wanted, Number(parts.order.value));
      start = from;
      const page = found.slice(start, start + A_PAGE);
      parts.list.replaceChildren(...page.map((example) => articleOf(example, content, wanted)));
      parts.count.textContent = page.length
        ? `${start + 1}–${start + page.length} of ${found.length} examples` : "no example has this";
      parts.back.disabled = start === 0;
      parts.on.disabled = start + A_PAGE >= found.length;
    }
    function turn(by) {
      show(start + by);
      section.scrollIntoView();
    }
    parts.search.addEventListener("input", soon(() => show(0)));
    parts.order.addEventListener("change", () => show(0));
    parts.back.addEventListener("click", () => turn(-A_PAGE));
    parts.on.addEventListener("click", () => turn(A_PAGE));
    layOut(section, content, parts);
    show(0);
  }

  document.documentElement.classList.add("scripted");
  document.querySelectorAll("input.filter").forEach(enliven);
  const examples = JSON.parse(document.getElementById("examples").textContent);
  document.querySelectorAll("section.browser").forEach((section) => {
    browse(section, examples[section.dataset.table]);
  });
})();
