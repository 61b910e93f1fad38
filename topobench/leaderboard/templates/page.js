"use strict";
// Sorting, filtering, hiding columns, and one method in all pictures. All that is shown is in the page without this.
const all = (what, where = document) => [...where.querySelectorAll(what)];
const tools = document.querySelector(".tools");
tools.hidden = false;

function keyOf(row, column) {
  const cell = row.cells[column];
  return cell.dataset.v ?? cell.textContent.trim();
}

function compare(one, other) {
  if ((one === "") !== (other === "")) return one === "" ? 1 : -1; // what is not known comes last, either way
  const numbers = [Number(one), Number(other)];
  return numbers.some(Number.isNaN) ? one.localeCompare(other) : numbers[0] - numbers[1];
}

function sort(header) {
  const table = header.closest("table"), column = header.cellIndex;
  const first = header.dataset.better === "high" ? "descending" : "ascending";
  const now = header.getAttribute("aria-sort");
  const next = now === null || now === "none" ? first : now === "ascending" ? "descending" : "ascending";
  all("thead th", table).forEach(other => other.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", next);
  const rows = [...table.tBodies[0].rows];
  const sign = next === "descending" ? -1 : 1;
  const sorted = rows.map((row, place) => [keyOf(row, column), place, row]).sort(([one, m], [other, n]) => {
    const found = compare(one, other);
    return (one === "" || other === "" ? found : sign * found) || m - n;
  });
  table.tBodies[0].append(...sorted.map(([, , row]) => row));
}

all("table.board thead th[data-sort]").forEach(header => {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  header.append(button);
  button.addEventListener("click", () => sort(header));
});

function filter() {
  const words = tools.querySelector("[type=search]").value.toLowerCase().split(/\s+/).filter(Boolean);
  const kinds = new Set(all("[name=kind]:checked", tools).map(box => box.value));
  const rows = all("table.board tbody tr");
  rows.forEach(row => {
    const name = row.dataset.name.toLowerCase();
    row.hidden = !kinds.has(row.dataset.kind) || !words.every(word => name.includes(word));
  });
  const shown = rows.filter(row => !row.hidden).length;
  tools.querySelector("output").textContent = shown < rows.length ? `${shown} of ${rows.length} rows` : "";
}

function columns() {
  const off = new Set(all("[name=column]:not(:checked)", tools).map(box => box.value));
  all("[data-col]").forEach(cell => { cell.hidden = off.has(cell.dataset.col); });
}

tools.querySelector("[type=search]").addEventListener("input", filter);
all("[name=kind]", tools).forEach(box => box.addEventListener("change", filter));
all("[name=column]", tools).forEach(box => box.addEventListener("change", columns));
["DOMContentLoaded", "pageshow"].forEach(moment => addEventListener(moment, () => { // after which a browser that
  filter(); // goes back has put in again what was typed and ticked
  columns();
}));

all(".scene input").forEach(input => input.addEventListener("change", () => {
  all(`.scene input[data-method="${CSS.escape(input.dataset.method)}"]`).forEach(other => { other.checked = true; });
}));
