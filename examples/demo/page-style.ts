/**
 * How the page of a call looks, and the little that moves on it.
 *
 * @module
 */

/** Light and dark, wide and narrow. Nothing is loaded from anywhere. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fbfaf7; --card: #ffffff; --ink: #1d1f23; --soft: #666a73; --line: #e3e0d8; --faint: #efece5;
  --caller: #0f7285; --agent: #a8550c; --cut: #c2282d; --tool: #6b3fa0; --good: #1d7a46; --wait: #c9c4b6; --label: 74px; }
@media (prefers-color-scheme: dark) { :root { --paper: #131519; --card: #1a1d22; --ink: #e9e7e1; --soft: #9a9da6; --line: #2d3138; --faint: #22262c;
  --caller: #56c2d6; --agent: #f0a04b; --cut: #ff7a74; --tool: #c3a1f5; --good: #62c98d; --wait: #4a4f59; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 1460px; margin: 0 auto; padding: 26px 28px 60px; }
h1 { font-size: 25px; line-height: 1.2; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 16px; margin: 36px 0 10px; }
p { margin: 6px 0; max-width: 78ch; }
.lead { color: var(--soft); margin-top: 4px; max-width: 120ch; }
.verdict { display: inline-block; font-weight: 600; color: var(--good); }
.verdict.bad { color: var(--cut); }
.problems { color: var(--cut); white-space: pre-wrap; font-size: 14px; }
.facts { display: flex; flex-wrap: wrap; gap: 10px 38px; margin: 16px 0 14px; padding: 0; list-style: none; }
.facts b { display: block; font-size: 21px; line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; }
.facts span { color: var(--soft); font-size: 13px; }
audio { width: 100%; height: 40px; margin: 2px 0 10px; }
.chart { margin: 0; display: flex; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.labels { flex: 0 0 var(--label); border-right: 1px solid var(--line); color: var(--soft); font-size: 12px; }
.labels .lane { padding: 0 8px; display: flex; flex-direction: column; justify-content: center; line-height: 1.2; }
.labels small { opacity: 0.75; }
.labels .lane-caller { color: var(--caller); font-weight: 600; } .labels .lane-agent { color: var(--agent); font-weight: 600; }
.scroll { flex: 1; min-width: 0; overflow-x: auto; }
.tracks { position: relative; min-width: 1120px; padding: 0; }
.lane { position: relative; } .lane svg { display: block; width: 100%; height: 100%; overflow: visible; }
.lane-call { height: 30px; border-bottom: 1px solid var(--line); } .lane-caller-text { height: 62px; } .lane-caller, .lane-agent { height: 82px; }
.lane-between { height: 36px; background: var(--faint); } .lane-dropped { height: 32px; } .lane-agent-text { height: 152px; }
.lane-tools { height: 36px; border-top: 1px solid var(--line); } .lane-marks { height: 50px; border-top: 1px solid var(--line); } .lane-time { height: 26px; border-top: 1px solid var(--line); }
.grid { position: absolute; inset: 0; width: 100%; height: 100%; }
.grid line { stroke: var(--line); stroke-width: 1; } .grid .one { opacity: 0.45; } .grid .turn-line { stroke: var(--soft); opacity: 0.22; } .grid .cut-line { stroke: var(--cut); stroke-dasharray: 3 3; opacity: 0.75; }
.wave { position: absolute; inset: 0; } .wave .peaks { opacity: 0.42; } .wave .zero { fill: none; stroke-width: 1; vector-effect: non-scaling-stroke; opacity: 0.4; }
.lane-caller .wave path { fill: var(--caller); stroke: var(--caller); stroke-width: 0; } .lane-agent .wave path { fill: var(--agent); stroke: var(--agent); stroke-width: 0; }
.lane .wave .zero { fill: none; stroke-width: 1; }
.stretch { position: absolute; top: 12px; height: 6px; background: var(--good); opacity: 0.8; font-size: 12px; white-space: nowrap; }
.stretch-0, .stretch-1, .stretch-3 { background: var(--wait); } .stretch-1 { opacity: 1; border-left: 1px solid var(--card); }
.stretch-2 { top: 6px; height: 18px; line-height: 18px; padding-left: 8px; color: var(--good); background: none; border-left: 2px solid var(--good); border-right: 2px solid var(--good); opacity: 1; }
.stretch-2::after { content: ""; position: absolute; left: 0; right: 0; bottom: 0; height: 2px; background: var(--good); opacity: 0.5; }
.stretch-end { position: absolute; right: 14px; top: 6px; font-size: 12px; line-height: 18px; color: var(--soft); }
.span { position: absolute; height: 3px; } .lane-caller-text .span { bottom: 0; background: var(--caller); } .lane-agent-text .span { top: 0; background: var(--agent); }
.words { position: absolute; margin-right: 14px; font-size: 13px; line-height: 1.38; cursor: default; overflow: hidden; background: var(--card); border-right: 10px solid transparent; background-clip: padding-box; }
.lane-caller-text .words { bottom: 7px; color: var(--caller); } .lane-agent-text .words { top: 8px; max-height: 140px; color: var(--agent); }
.live .words { cursor: pointer; } .live .words:hover { text-decoration: underline; text-underline-offset: 3px; }
del { color: var(--soft); text-decoration: line-through 1px; text-decoration-color: color-mix(in srgb, var(--cut) 55%, transparent); }
.wait { position: absolute; top: 12px; height: 12px; background: var(--soft); } .wait-listens { background: var(--wait); }
.wait.cut { background: var(--cut); }
.gap-label { position: absolute; top: 9px; padding-left: 6px; font-size: 12.5px; line-height: 18px; font-weight: 600; white-space: nowrap; } .gap-label.cut { color: var(--cut); padding: 0 6px 0 0; transform: translateX(-100%); }
.dropped { position: absolute; top: 7px; height: 18px; padding: 0 8px; overflow: hidden; border: 1px dashed var(--cut); border-left-style: solid; border-radius: 0 3px 3px 0; color: var(--cut); font-size: 11.5px; line-height: 16px; white-space: nowrap; text-overflow: ellipsis; background: var(--card); }
.tool { position: absolute; top: 9px; padding-left: 9px; border-left: 3px solid var(--tool); color: var(--tool); font-size: 12.5px; line-height: 18px; font-weight: 600; white-space: nowrap; } .tool.failed { color: var(--cut); border-color: var(--cut); }
.mark { stroke: var(--agent); stroke-width: 1; opacity: 0.75; } .mark.cleared { stroke: var(--cut); opacity: 1; } .mark.lost { stroke: var(--soft); }
.tick { position: absolute; top: 4px; padding-left: 5px; font-size: 12px; color: var(--soft); }
.playhead { position: absolute; top: 0; bottom: 0; left: 0; width: 2px; margin-left: -1px; background: var(--ink); display: none; pointer-events: none; }
.live .playhead { display: block; } .live .tracks { cursor: crosshair; }
.caption { color: var(--soft); font-size: 13px; margin: 10px 2px 0; max-width: 110ch; }
.caption i { font-style: normal; font-weight: 600; }
.columns { display: grid; grid-template-columns: minmax(0, 7fr) minmax(0, 5fr); gap: 0 52px; }
ol { list-style: none; padding: 0; margin: 0; } ol li { display: grid; grid-template-columns: 56px 58px 1fr; gap: 0 6px; padding: 5px 0; border-top: 1px solid var(--line); }
ol li time { color: var(--soft); } ol li.caller b { color: var(--caller); } ol li.agent b { color: var(--agent); } ol li b { font-weight: 600; }
ol li em { grid-column: 3; color: var(--cut); font-style: normal; font-size: 13px; } .live ol li { cursor: pointer; }
table { border-collapse: collapse; width: 100%; font-size: 14px; } th, td { text-align: right; padding: 5px 0 5px 12px; border-top: 1px solid var(--line); vertical-align: top; } th { font-weight: 400; color: var(--soft); border: 0; font-size: 13px; line-height: 1.3; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; } td:nth-child(2), th:nth-child(2) { font-weight: 600; color: var(--ink); }
footer { margin-top: 40px; color: var(--soft); font-size: 13px; border-top: 1px solid var(--line); padding-top: 12px; }
@media (max-width: 900px) { main { padding: 18px 14px 40px; } .columns { grid-template-columns: 1fr; } :root { --label: 58px; } .labels .lane { padding: 0 6px; font-size: 11px; } .facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 12px 18px; } .facts li { line-height: 1.35; } .facts b { font-size: 18px; } ol li { grid-template-columns: 48px 52px 1fr; } }
@media print { audio { display: none; } .tracks { min-width: 0; } }
`

/** Moves the playhead with the sound, and the sound with a click. The page is whole without it. */
export const SCRIPT = `
const audio = document.querySelector('audio');
const tracks = document.getElementById('tracks');
const playhead = document.getElementById('playhead');
const scroll = tracks.parentElement;
const durationMs = Number(document.body.dataset.durationMs);
document.body.classList.add('live');
const draw = () => {
  const share = Math.min(1, audio.currentTime * 1000 / durationMs);
  playhead.style.left = share * 100 + '%';
  if (audio.paused) return;
  const x = share * tracks.clientWidth;
  const isOut = scroll.scrollLeft > x || x > scroll.scrollLeft + scroll.clientWidth - 40;
  if (isOut) scroll.scrollLeft = x - 40;
  requestAnimationFrame(draw);
};
for (const event of ['play', 'seeked', 'timeupdate']) audio.addEventListener(event, () => { draw(); });
const seek = (ms, play) => { audio.currentTime = ms / 1000; if (play) audio.play(); };
document.addEventListener('click', (event) => {
  const said = event.target.closest('[data-at]');
  if (said) return seek(Number(said.dataset.at), true);
  if (!tracks.contains(event.target)) return;
  const box = tracks.getBoundingClientRect();
  seek((event.clientX - box.left) / box.width * durationMs, false);
});
document.addEventListener('keydown', (event) => {
  if (event.code !== 'Space' || event.target !== document.body) return;
  event.preventDefault();
  if (audio.paused) audio.play(); else audio.pause();
});
`
