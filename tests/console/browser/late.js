// Puts the same letters into each field of the screen; returns how many fields there are.
() => {
  const fields = () => [...document.querySelectorAll(
    ':is(input, textarea):not([type=radio], [type=checkbox], [type=date], [readonly], [disabled]), [contenteditable=true]',
  )].filter((one) => one.checkVisibility());
  const text = (one) => (one.isContentEditable ? one.innerText : one.value);
  const name = (one) => one.getAttribute('aria-label') ?? one.labels?.[0]?.innerText ?? one.closest('[data-field]')?.dataset.field;
  window.late = {
    fields,
    // what stands in each field now, what has the focus, and where its caret is
    noted: () => {
      const focused = document.activeElement;
      window.late.before = {
        // a choice that one has left is named as soon as its name is known
        texts: fields().filter((one) => one === focused || one.getAttribute('aria-haspopup') !== 'listbox').map((one) => [one, text(one)]),
        stops: [...document.querySelectorAll(':is(input, button, a[href], summary)')].filter((one) => one.checkVisibility()),
        focused, caret: focused.selectionStart,
      };
      return name(focused);
    },
    judged: () => {
      const { texts, stops, focused, caret } = window.late.before;
      return [
        ...texts.filter(([one]) => !one.isConnected).map(([one]) => `made anew: ${name(one)}`),
        ...texts.filter(([one, was]) => one.isConnected && text(one) !== was).map(([one, was]) => `${name(one)}: ${was} became ${text(one)}`),
        ...stops.filter((one) => !one.isConnected).map((one) => `gone: ${one.outerHTML.slice(0, 120)}`),
        ...(document.activeElement === focused ? [] : ['the focus has gone elsewhere']),
        ...(focused.selectionStart === caret ? [] : ['the caret has gone elsewhere']),
      ];
    },
  };
  return fields().length;
}
