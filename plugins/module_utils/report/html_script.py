# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script of the report: filters the members, sorts tables, opens what an address points into, and notices an old page.

Everything can be read without it. It asks for nothing from anywhere, and puts nothing into the page but text.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

SCRIPT = """
"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    target.hidden = false;
    target.scrollIntoView();
    const first = target.tagName === "DETAILS" && target.querySelector("summary");
    if (first) first.focus({preventScroll: true});
  };
  addEventListener("hashchange", open);

  const tools = document.getElementById("member-tools");
  if (tools) {
    const words = tools.querySelector("input"), state = tools.querySelector("select"), told = tools.querySelector("output");
    const people = all("details.person").map(node => ({node, text: node.firstElementChild.textContent.toLowerCase()}));
    const filter = () => {
      const wanted = words.value.toLowerCase().split(/\\s+/).filter(Boolean);
      let shown = 0;
      for (const {node, text} of people) {
        node.hidden = !wanted.every(word => text.includes(word)) || (state.value !== "" && node.dataset.state !== state.value);
        shown += node.hidden ? 0 : 1;
      }
      told.textContent = `${shown.toLocaleString("en")} of ${people.length.toLocaleString("en")} shown`;
    };
    words.addEventListener("input", filter);
    state.addEventListener("change", filter);
    addEventListener("hashchange", () => { if (location.hash.startsWith("#member-")) { words.value = state.value = ""; filter(); } });
    tools.hidden = false;
    filter();
  }

  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach(other => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = row => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
        const rows = Array.from(table.tBodies[0].rows).map(row => [key(row), row]);
        const numeric = rows.every(([value]) => value !== "" && !isNaN(value));
        rows.sort(([a], [b]) => (numeric ? a - b : a.localeCompare(b, "en", {numeric: true})) * (down ? -1 : 1));
        table.tBodies[0].append(...rows.map(([, row]) => row));
      });
    });
  }

  const old = document.getElementById("old");
  const days = (Date.now() - Date.parse(old.dataset.written)) / 864e5;
  if (days >= 1) {
    const whole = Math.floor(days);
    old.querySelector("strong").textContent = `This page is ${whole} ${whole === 1 ? "day" : "days"} old.`;
    old.hidden = false;
  }
  open();
})();
"""
