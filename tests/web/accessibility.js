() => {
  const faults = [], all = [];
  const walk = (root) => { for (const e of root.querySelectorAll('*')) { all.push(e); if (e.shadowRoot) walk(e.shadowRoot); } };
  walk(document);
  const seen = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && e.getClientRects().length;
  const told = (e) => `${e.tagName.toLowerCase()} ${(e.outerHTML || '').slice(0, 120)}`;
  const byIds = (e, ids) => ids.split(' ').map((id) => e.getRootNode().getElementById?.(id)?.textContent || '').join(' ');
  const name = (e) => (e.getAttribute('aria-label') || (e.getAttribute('aria-labelledby') && byIds(e, e.getAttribute('aria-labelledby')))
    || [...(e.labels || [])].map((l) => l.textContent).join(' ') || e.getAttribute('title') || e.getAttribute('alt') || e.textContent
    || e.getAttribute('placeholder') || '').trim();
  for (const e of all) {
    if (!seen(e) || e.tabIndex < 0 && e.matches('input')) continue;
    if (e.matches('button, a[href], input:not([type=hidden]), select, textarea, [role=slider], [role=button], video') && !name(e))
      faults.push('no name: ' + told(e));
    if (e.matches('img:not([alt])')) faults.push('no text instead of a picture: ' + told(e));
  }
  if (!document.documentElement.lang) faults.push('the page has no language');
  const levels = all.filter((e) => /^H[1-6]$/.test(e.tagName) && seen(e)).map((e) => Number(e.tagName[1]));
  if (levels.filter((l) => l === 1).length !== 1) faults.push(`${levels.filter((l) => l === 1).length} headings of the first level`);
  levels.forEach((l, k) => { if (k && l > levels[k - 1] + 1) faults.push(`a heading of level ${l} follows one of level ${levels[k - 1]}`); });
  const rgb = (text) => { const c = document.createElement('canvas').getContext('2d'); c.canvas.width = c.canvas.height = 1;
    c.fillStyle = text; c.fillRect(0, 0, 1, 1); const d = c.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
  const over = (a, b) => [0, 1, 2].map((k) => a[k] * a[3] + b[k] * (1 - a[3])).concat([1]);
  const up = (e) => e.assignedSlot || e.parentElement || e.getRootNode().host || null;
  const behind = (e) => { const layers = []; for (let p = e; p; p = up(p)) { const c = rgb(getComputedStyle(p).backgroundColor);
    if (c[3]) { layers.push(c); if (c[3] === 1) break; } } return layers.reduceRight((low, top) => over(top, low), [255, 255, 255, 1]); };
  const light = (c) => { const l = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; };
  for (const e of all) {
    const own = [...e.childNodes].filter((n) => n.nodeType === 3 && n.data.trim()).map((n) => n.data.trim()).join(' ');
    if (!own || !seen(e) || e.closest('script, style, svg, [disabled], [aria-disabled=true], option')) continue;
    const style = getComputedStyle(e), ground = behind(e);
    let ink = rgb(style.color), shade = 1;
    for (let p = e; p; p = up(p)) shade *= Number(getComputedStyle(p).opacity);
    ink = over([ink[0], ink[1], ink[2], ink[3] * shade], ground);
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5) - 0.05) faults.push(`contrast ${ratio.toFixed(1)}: ${own.slice(0, 60)}`);
  }
  return faults;
}
