// Every formula stands in the page as its source, in an element of class "math"; a <div> is a display.
document.addEventListener("DOMContentLoaded", () => {
  for (const formula of document.querySelectorAll(".math")) {
    const displayMode = formula.tagName === "DIV";
    katex.render(formula.textContent, formula, { displayMode, throwOnError: false });
  }
});
