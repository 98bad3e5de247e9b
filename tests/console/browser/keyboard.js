// Notes each element of the screen that gets the focus; returns how many should.
() => {
  const main = document.getElementById('main');
  const focusable =
    'a[href], button, input, select, textarea, summary, [tabindex], [contenteditable=true]';
  const shown = (one) => one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });
  const of = (radio) => [...main.querySelectorAll('input[type=radio]')].filter((one) => one.name === radio.name);
  // of a group of radio buttons one is a stop
  const stops = (one) =>
    one.type !== 'radio' || (of(one).find((other) => other.checked) ?? of(one)[0]) === one;
  const near = (one) => [one, one.parentElement, one.parentElement.parentElement, one.nextElementSibling].filter(Boolean);
  const look = (one) => near(one).map((at) => {
    const { outlineStyle, outlineWidth, borderColor, boxShadow } = getComputedStyle(at);
    return [outlineStyle, outlineStyle === 'none' ? '' : outlineWidth, borderColor, boxShadow].join();
  }).join(';');
  const name = (one) => `${one.tagName.toLowerCase()} "${
    (one.getAttribute('aria-label') ?? one.labels?.[0]?.innerText ?? one.innerText ?? '').slice(0, 40)}"`;
  const expected = [...main.querySelectorAll(focusable)].filter(
    (one) => one.tabIndex >= 0 && !one.disabled && shown(one) && stops(one) && !one.closest('[inert]'),
  );
  const before = new Map(expected.map((one) => [one, look(one)]));
  const reached = [];
  const wrong = new Set();
  const focused = ({ target }) => {
    if (!main.contains(target)) return;
    if (before.get(target) === look(target)) wrong.add(`no visible focus: ${name(target)}`);
    if (target.tabIndex > 0) wrong.add(`out of order: ${name(target)}`);
    reached.push(target);
  };
  document.addEventListener('focusin', focused);
  window.walk = {
    ended: () => !main.contains(document.activeElement),
    judged: () => {
      document.removeEventListener('focusin', focused);
      // what the walk itself has put away, such as a list of proposals, is none
      const missed = expected.filter((one) => one.isConnected && shown(one) && stops(one) && !reached.includes(one));
      const back = reached.filter((one, at) => at > 0 && one.isConnected && reached[at - 1].isConnected &&
        !(reached[at - 1].compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING));
      return [...wrong, ...missed.map((one) => `not reached: ${name(one)}`), ...back.map((one) => `goes back: ${name(one)}`)];
    },
  };
  main.focus({ preventScroll: true });
  return expected.length;
}
