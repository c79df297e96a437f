// Write src/sesame/console/static anew; the same input gives the same bytes.
import { build } from "esbuild";
import { copyFileSync } from "node:fs";

const out = new URL("../src/sesame/console/static/", import.meta.url).pathname;
const here = new URL("./", import.meta.url).pathname;
await build({
  entryPoints: [`${here}console.js`, `${here}console.css`],
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022", "chrome123", "firefox128", "safari17.5"],
  legalComments: "none",
  charset: "utf8",
});
copyFileSync(`${here}icon.svg`, `${out}icon.svg`);
