// Counts down the seconds that a sound is to be listened to. The server has the last word.
(function () {
  "use strict";
  const form = document.getElementById("ratings");
  const button = form.querySelector("button");
  const status = document.getElementById("wait");
  const end = performance.now() + 1000 * Number(form.dataset.wait);
  let said = -1;
  function tick() {
    const left = Math.ceil((end - performance.now()) / 1000);
    button.disabled = left > 0;
    if (left <= 0) {
      status.textContent = said === -1 ? "" : "You can go on now.";
      return;
    }
    // A screen reader is told every ten seconds only.
    const shown = left > 10 ? Math.ceil(left / 10) * 10 : left;
    if (shown !== said) {
      said = shown;
      status.textContent = "You can go on in " + shown + " seconds.";
    }
    setTimeout(tick, 250);
  }
  tick();
})();
