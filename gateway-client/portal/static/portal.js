// Everything on the pages works without this file; it makes some of it quicker.
"use strict";

// A file may be dropped onto the area around its input, which then sends its form to show the preview.
for (const area of document.querySelectorAll("[data-drop]")) {
  const input = area.querySelector("input[type=file]");
  // The page's own button, in the page's language, stands for the browser's; the input stays where the keyboard finds it.
  area.querySelector("[data-choose]").hidden = false;
  input.classList.add("unseen");
  input.addEventListener("change", () => { area.querySelector("output").value = input.files[0]?.name ?? ""; });
  const over = (on) => (event) => { event.preventDefault(); area.classList.toggle("over", on); };
  area.addEventListener("dragenter", over(true));
  area.addEventListener("dragover", over(true));
  area.addEventListener("dragleave", over(false));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    if (event.dataTransfer.files.length === 0) return;
    input.files = event.dataTransfer.files;
    input.form.requestSubmit();
  });
}

// A checkbox that selects all of its form, and a count of what is selected.
for (const form of document.querySelectorAll("form[data-bulk]")) {
  const boxes = [...form.querySelectorAll("input[type=checkbox][name=id]")];
  const all = form.querySelector("[data-all]");
  const count = form.querySelector("output");
  const show = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    if (count) count.value = count.dataset.text.replace("0", String(chosen));
    if (all) {
      all.checked = chosen === boxes.length && chosen > 0;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
  };
  if (all) {
    all.closest("[hidden]")?.removeAttribute("hidden");
    all.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; show(); });
  }
  form.addEventListener("change", show);
  show();
}

// Where the places stand above the page, they are folded away.
if (matchMedia("(max-width: 60rem)").matches) document.querySelector(".places details")?.removeAttribute("open");

// Escape closes the fold that one is in, and goes back to what opened it.
document.addEventListener("keydown", (event) => {
  const fold = event.key === "Escape" && event.target.closest("details.act[open]");
  if (!fold) return;
  fold.open = false;
  fold.querySelector("summary").focus();
});

// A form is sent once.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  if (event.target.method === "post") event.target.dataset.sent = "yes";
});
