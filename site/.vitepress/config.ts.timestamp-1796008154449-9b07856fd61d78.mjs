// .vitepress/config.ts
import { transformerTwoslash } from "file:///tmp/wt/site/site/node_modules/@shikijs/vitepress-twoslash/dist/index.mjs";
import { defineConfig } from "file:///tmp/wt/site/site/node_modules/vitepress/dist/node/index.js";

// assemble.ts
import { cpSync, globSync as globSync2, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join as join3, relative as relative2 } from "node:path";

// pages.ts
var DECISIONS = "docs/decisions";
var SECTIONS = [
  {
    title: "Introduction",
    pages: [
      { name: "Postbus", file: "README.md" },
      { name: "Why Postbus", file: "docs/why.md" },
      { name: "Concepts", file: "docs/concepts.md" },
      { name: "Guarantees", file: "docs/guarantees.md" }
    ]
  },
  {
    title: "Guides",
    pages: [
      { name: "Ordering", file: "docs/ordering.md" },
      { name: "Fairness", file: "docs/fairness.md" },
      { name: "Pace", file: "docs/pace.md" },
      { name: "Testing", file: "docs/testing.md" },
      { name: "Evolution", file: "docs/evolution.md" },
      { name: "Event catalog", file: "docs/catalog.md" },
      { name: "Replay and backfill", file: "docs/replay.md" },
      { name: "Exactly once", file: "docs/transactions.md" },
      { name: "Handlers that read the log", file: "docs/log-handlers.md" },
      { name: "Batches", file: "docs/batches.md" },
      { name: "Delays and schedules", file: "docs/on-time.md" },
      { name: "Broadcasts", file: "docs/broadcast.md" },
      { name: "Receiving", file: "docs/receiving.md" },
      { name: "Middleware", file: "docs/middleware.md" },
      { name: "Telemetry", file: "docs/telemetry.md" },
      { name: "Operator page", file: "docs/operator-page.md" },
      { name: "Mounting the operator page", file: "docs/operator-page-mounting.md" },
      { name: "Nest", file: "docs/nestjs.md" }
    ]
  },
  {
    title: "Running it",
    pages: [
      { name: "Deploy", file: "docs/deploy.md" },
      { name: "Connections and poolers", file: "docs/connections.md" },
      { name: "Operating", file: "docs/operating.md" },
      { name: "Roles and grants", file: "docs/roles.md" },
      { name: "Health", file: "docs/health.md" }
    ]
  },
  {
    title: "Coming from",
    pages: []
  },
  {
    title: "Reference",
    pages: [
      { name: "Command line", file: "docs/reference/cli.md" },
      { name: "Options", file: "docs/reference/options.md" },
      { name: "Error codes", file: "docs/reference/errors.md" },
      { name: "Signals", file: "docs/reference/signals.md" },
      { name: "Metrics", file: "docs/reference/metrics.md" },
      { name: "Tables", file: "docs/reference/tables.md" }
    ]
  },
  {
    title: "Inside",
    pages: [
      { name: "Architecture", file: "docs/architecture.md" },
      { name: "Performance", file: "docs/performance.md" },
      { name: "Promises and their tests", file: "docs/promises.md" },
      { name: "Contributing", file: "CONTRIBUTING.md" },
      { name: "Security", file: "SECURITY.md" },
      { name: "Changelog", file: "CHANGELOG.md" }
    ]
  }
];

// markdown.ts
function outsideOfCode(text, change) {
  const code = /^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1[^\S\n]*$/gm;
  let changed = "";
  let from = 0;
  for (const { 0: block, index } of text.matchAll(code)) {
    changed += change(text.slice(from, index)) + block;
    from = index + block.length;
  }
  return changed + change(text.slice(from));
}
function headingsOf(text) {
  const seen = /* @__PURE__ */ new Map();
  const anchors = [];
  outsideOfCode(text, (part) => {
    for (const [, heading = ""] of part.matchAll(/^#{1,6} (.+)$/gm)) {
      const anchor = anchorOf(heading);
      const times = seen.get(anchor) ?? 0;
      seen.set(anchor, times + 1);
      anchors.push(times === 0 ? anchor : `${anchor}-${times}`);
    }
    return part;
  });
  return anchors;
}
function anchorOf(heading) {
  return heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").trim().toLowerCase().replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, "").replace(/\s/g, "-");
}
function firstSentenceOf(text) {
  const [, , ...after] = text.split(/^(# .+)$/m);
  const paragraph = after.join("").split(/\n\s*\n/).map((one) => one.trim()).find((one) => /^[\p{L}*`[“"]/u.test(one) && !one.startsWith("```"));
  const plain = (paragraph ?? "").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("**", "").replaceAll(/\s+/g, " ");
  return /^.*?[.:](?= |$)/.exec(plain)?.[0].replace(/:$/, ".") ?? plain;
}

// published.ts
import { globSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
var __vite_injected_original_dirname = "/tmp/wt/site/site";
var ROOT = resolve(__vite_injected_original_dirname, "..");
var ASSEMBLED = join(__vite_injected_original_dirname, ".pages");
function publishedFiles() {
  return [...SECTIONS.flatMap(({ pages }) => pages.map(({ file }) => file)), ...decisionFiles()];
}
function decisionFiles() {
  return docsFiles().filter((file) => file.startsWith(`${DECISIONS}/`));
}
function docsFiles() {
  return globSync("docs/**/*.md", { cwd: ROOT }).toSorted();
}
function placeOf(file) {
  if (file === "README.md") return "index.md";
  return file.startsWith("docs/") ? relative("docs", file) : file.toLowerCase();
}
function textOf(file) {
  return readFileSync(join(ROOT, file), "utf8");
}
function titleOf(file) {
  const title = /^# (.+)$/m.exec(textOf(file))?.[1];
  if (title === void 0) throw new Error(`${file} has no heading "# \u2026"`);
  return title.replaceAll("`", "");
}
function repositoryAddress() {
  const { repository } = JSON.parse(textOf("package.json"));
  const url = typeof repository === "string" ? repository : repository?.url;
  if (url === void 0) return null;
  return url.replace(/^git\+/, "").replace(/^github:/, "https://github.com/").replace(/\.git$/, "");
}

// llms.ts
function llmsIndex(addressOf2) {
  const sections = SECTIONS.filter(({ pages }) => pages.length > 0).map(
    ({ title, pages }) => `## ${title}

${pages.map((page) => line(page, addressOf2)).join("\n")}`
  );
  const decisions = decisionFiles().map((file) => line({ name: titleOf(file), file }, addressOf2));
  return [
    "# Postbus",
    `> ${firstSentenceOf(textOf("README.md"))}`,
    ...sections,
    `## Optional

${decisions.join("\n")}`,
    ""
  ].join("\n\n");
}
function line({ name, file }, addressOf2) {
  return `- [${name}](${addressOf2(file)}): ${firstSentenceOf(textOf(file))}`;
}
function llmsFull() {
  return publishedFiles().filter((file) => !file.startsWith(DECISIONS)).map((file) => `<!-- ${file} -->

${textOf(file).trim()}
`).join("\n");
}

// links.ts
import { existsSync } from "node:fs";
import { join as join2, posix } from "node:path";
var LINK = /(!?)\[((?:[^[\]]|\[[^\]]*\]|!\[[^\]]*\]\([^)]*\))*)\]\(([^()\s]+)\)/g;
function linkTargets() {
  const headings = /* @__PURE__ */ new Map();
  return {
    files: new Set(publishedFiles()),
    headingsOf(file) {
      const found = headings.get(file) ?? headingsOf(textOf(file));
      headings.set(file, found);
      return found;
    },
    repository: repositoryAddress()
  };
}
function withLinksOfSite(file, text, targets) {
  const broken = [];
  const rewrite = (part) => part.replace(LINK, (link, image, label, target) => {
    const found = targetOf(file, target, targets);
    if (found === null) broken.push(`${file} \u2192 ${target}`);
    const inner = label.includes("](") ? rewrite(label) : label;
    if (found === null || found === "no address") return image ? link : inner;
    return `${image}[${inner}](${found})`;
  });
  return { text: outsideOfCode(text, rewrite), broken };
}
function targetOf(file, target, { files, repository, ...read }) {
  if (/^[a-z]+:/.test(target)) return target;
  const [path = "", anchor] = target.split("#");
  const pointed = path === "" ? file : posix.normalize(posix.join(posix.dirname(file), decodeURI(path)));
  if (pointed.startsWith("..") || !existsSync(join2(ROOT, pointed))) return null;
  if (files.has(pointed)) {
    if (anchor !== void 0 && !read.headingsOf(pointed).includes(anchor)) return null;
    const place = path === "" ? "" : `/${placeOf(pointed)}`;
    return anchor === void 0 ? place : `${place}#${anchor}`;
  }
  if (pointed.startsWith("docs/") && /\.\w+$/.test(pointed)) return `/${posix.relative("docs", pointed)}`;
  return repository === null ? "no address" : `${repository}/blob/main/${pointed}`;
}

// assemble.ts
function assemble() {
  rmSync(ASSEMBLED, { recursive: true, force: true });
  const targets = linkTargets();
  const broken = publishedFiles().flatMap((file) => assemblePage(file, targets));
  if (broken.length > 0) throw new Error(`Links that lead nowhere:
${broken.join("\n")}`);
  copyTheRest();
  write("public/llms.txt", llmsIndex(placeOf));
  write("public/llms-full.txt", llmsFull());
}
function assembleAgain(path) {
  const file = relative2(ROOT, path);
  if (publishedFiles().includes(file)) for (const link of assemblePage(file, linkTargets())) console.error(link);
}
function assemblePage(file, targets) {
  const { text, broken } = withLinksOfSite(file, textOf(file), targets);
  write(placeOf(file), text);
  write(join3("public", placeOf(file)), textOf(file));
  return broken;
}
function copyTheRest() {
  for (const file of globSync2("docs/**/*.*", { cwd: ROOT, exclude: (name) => String(name).endsWith(".md") }))
    cpSync(join3(ROOT, file), join3(ASSEMBLED, "public", relative2("docs", file)));
}
function write(place, text) {
  const file = join3(ASSEMBLED, place);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
if (import.meta.main) assemble();

// hovers.ts
import { basename, join as join4 } from "node:path";
import ts from "file:///tmp/wt/site/site/node_modules/typescript/lib/typescript.js";

// entries.ts
function entries() {
  const { exports } = JSON.parse(textOf("package.json"));
  return Object.entries(exports).flatMap(
    ([path, target]) => typeof target === "string" ? [] : [
      {
        name: `postbus${path.slice(1)}`,
        source: target.default.replace(/^\.\/dist\//, "").replace(/\.js$/, ".ts")
      }
    ]
  );
}
function placeOfEntry({ name }) {
  return `/api/${name.replaceAll("/", "-")}/`;
}

// hovers.ts
var FOLDER = join4(ROOT, ".postbus/site-blocks");
var FILE_NAME = /^\/\/ (\S+\.tsx?)\n/;
var LONGEST = 500;
var OPTIONS = {
  target: ts.ScriptTarget.ES2024,
  module: ts.ModuleKind.NodeNext,
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  experimentalDecorators: true,
  types: ["node"],
  paths: Object.fromEntries(entries().map(({ name, source }) => [name, [join4(ROOT, source)]]))
};
function hovers() {
  const blocks = blocksByCode();
  const service = serviceFor(blocks);
  return (code) => {
    const file = blocks.get(code.trim());
    const nodes = file === void 0 ? [] : hoversOf(service, file);
    return { code, nodes, meta: { extension: "ts" } };
  };
}
function hoversOf(service, file) {
  const source = service.getProgram()?.getSourceFile(file);
  if (!source) return [];
  const found = [];
  const visit = (node) => {
    if (ts.isIdentifier(node)) found.push(...hoverAt(service, source, node));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
function hoverAt(service, source, node) {
  const start = node.getStart(source);
  const info = service.getQuickInfoAtPosition(source.fileName, start);
  const text = ts.displayPartsToString(info?.displayParts).replace(/^\(alias\) (.*)\nimport .*$/s, "$1");
  if (text === "" || text.length > LONGEST || /^(any|import \w+)$|: any$/.test(text)) return [];
  const { line: line2, character } = source.getLineAndCharacterOfPosition(start);
  const docs = ts.displayPartsToString(info?.documentation);
  return [
    {
      type: "hover",
      text,
      ...docs !== "" && { docs },
      start,
      length: node.getWidth(source),
      target: node.text,
      line: line2,
      character
    }
  ];
}
function blocksByCode() {
  const blocks = /* @__PURE__ */ new Map();
  for (const page of ["README.md", ...docsFiles()]) {
    for (const [, code = ""] of textOf(page).matchAll(/^```ts\n([\s\S]*?)^```/gm)) {
      const name = FILE_NAME.exec(code)?.[1];
      if (name !== void 0) blocks.set(code.trim(), join4(FOLDER, folderOf(page), basename(name)));
    }
  }
  return blocks;
}
function folderOf(page) {
  return page.replaceAll("/", "-");
}
function serviceFor(blocks) {
  const codes = new Map(Array.from(blocks, ([code, file]) => [file, code]));
  const read = (file) => codes.get(file) ?? ts.sys.readFile(file);
  return ts.createLanguageService({
    getCompilationSettings: () => OPTIONS,
    getScriptFileNames: () => [...codes.keys()],
    getScriptVersion: () => "1",
    getScriptSnapshot: (file) => {
      const text = read(file);
      return text === void 0 ? void 0 : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => ROOT,
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (file) => codes.has(file) || ts.sys.fileExists(file),
    readFile: read,
    directoryExists: (folder) => folder.startsWith(FOLDER) || ts.sys.directoryExists(folder),
    getDirectories: (folder) => ts.sys.getDirectories(folder)
  });
}

// sidebar.ts
function sidebar() {
  return SECTIONS.filter(({ pages }) => pages.length > 0).map((section) => ({
    text: section.title,
    collapsed: false,
    items: [...section.pages.map(itemOf), ...generated(section)]
  }));
}
function itemOf({ name, file }) {
  return { text: name, link: addressOf(file) };
}
function generated({ title }) {
  if (title === "Reference") return [{ text: "API", collapsed: false, items: entries().map(apiItem) }];
  if (title !== "Inside") return [];
  const decisions = decisionFiles().map((file) => ({ text: titleOf(file), link: addressOf(file) }));
  return [{ text: "Decisions", collapsed: true, items: decisions }];
}
function apiItem(entry) {
  return { text: entry.name, link: placeOfEntry(entry) };
}
function addressOf(file) {
  return `/${placeOf(file).replace(/\.md$/, "").replace(/(^|\/)index$/, "$1")}`;
}

// .vitepress/config.ts
var config_default = defineConfig({
  title: "Postbus",
  description: "A durable, typed event bus for TypeScript services that already run on Postgres.",
  lang: "en",
  srcDir: ".pages",
  srcExclude: ["public/**"],
  // the pages as they are, for programs
  outDir: "dist",
  cacheDir: ".cache",
  metaChunk: true,
  themeConfig: {
    nav: [
      { text: "Concepts", link: "/concepts" },
      { text: "API", link: "/api/" },
      { text: "Changelog", link: "/changelog" }
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: "local" }
  },
  markdown: {
    anchor: { slugify: anchorOf },
    codeTransformers: [transformerTwoslash({ explicitTrigger: false, twoslasher: hovers(), throws: true })]
  },
  vite: {
    build: { chunkSizeWarningLimit: 4e3 },
    // the index of the search, which is loaded when it is opened
    plugins: [
      {
        name: "postbus:pages",
        configureServer({ watcher }) {
          watcher.add([`${ROOT}/docs`, `${ROOT}/README.md`]);
          watcher.on("change", assembleAgain);
        }
      }
    ]
  }
});
export {
  config_default as default
};
//# sourceMappingURL=data:application/json;base64,ewogICJ2ZXJzaW9uIjogMywKICAic291cmNlcyI6IFsiLnZpdGVwcmVzcy9jb25maWcudHMiLCAiYXNzZW1ibGUudHMiLCAicGFnZXMudHMiLCAibWFya2Rvd24udHMiLCAicHVibGlzaGVkLnRzIiwgImxsbXMudHMiLCAibGlua3MudHMiLCAiaG92ZXJzLnRzIiwgImVudHJpZXMudHMiLCAic2lkZWJhci50cyJdLAogICJzb3VyY2VzQ29udGVudCI6IFsiY29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2Rpcm5hbWUgPSBcIi90bXAvd3Qvc2l0ZS9zaXRlLy52aXRlcHJlc3NcIjtjb25zdCBfX3ZpdGVfaW5qZWN0ZWRfb3JpZ2luYWxfZmlsZW5hbWUgPSBcIi90bXAvd3Qvc2l0ZS9zaXRlLy52aXRlcHJlc3MvY29uZmlnLnRzXCI7Y29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2ltcG9ydF9tZXRhX3VybCA9IFwiZmlsZTovLy90bXAvd3Qvc2l0ZS9zaXRlLy52aXRlcHJlc3MvY29uZmlnLnRzXCI7LyoqIFRoZSBzaXRlOiBWaXRlUHJlc3Mgb3ZlciB0aGUgcGFnZXMgdGhhdCBgYXNzZW1ibGUudHNgIGhhcyBwdXQgdG9nZXRoZXIuICovXG5pbXBvcnQgeyB0cmFuc2Zvcm1lclR3b3NsYXNoIH0gZnJvbSAnQHNoaWtpanMvdml0ZXByZXNzLXR3b3NsYXNoJ1xuaW1wb3J0IHsgZGVmaW5lQ29uZmlnIH0gZnJvbSAndml0ZXByZXNzJ1xuaW1wb3J0IHsgYXNzZW1ibGVBZ2FpbiB9IGZyb20gJy4uL2Fzc2VtYmxlLnRzJ1xuaW1wb3J0IHsgaG92ZXJzIH0gZnJvbSAnLi4vaG92ZXJzLnRzJ1xuaW1wb3J0IHsgYW5jaG9yT2YgfSBmcm9tICcuLi9tYXJrZG93bi50cydcbmltcG9ydCB7IFJPT1QgfSBmcm9tICcuLi9wdWJsaXNoZWQudHMnXG5pbXBvcnQgeyBzaWRlYmFyIH0gZnJvbSAnLi4vc2lkZWJhci50cydcblxuZXhwb3J0IGRlZmF1bHQgZGVmaW5lQ29uZmlnKHtcbiAgdGl0bGU6ICdQb3N0YnVzJyxcbiAgZGVzY3JpcHRpb246ICdBIGR1cmFibGUsIHR5cGVkIGV2ZW50IGJ1cyBmb3IgVHlwZVNjcmlwdCBzZXJ2aWNlcyB0aGF0IGFscmVhZHkgcnVuIG9uIFBvc3RncmVzLicsXG4gIGxhbmc6ICdlbicsXG4gIHNyY0RpcjogJy5wYWdlcycsXG4gIHNyY0V4Y2x1ZGU6IFsncHVibGljLyoqJ10sIC8vIHRoZSBwYWdlcyBhcyB0aGV5IGFyZSwgZm9yIHByb2dyYW1zXG4gIG91dERpcjogJ2Rpc3QnLFxuICBjYWNoZURpcjogJy5jYWNoZScsXG4gIG1ldGFDaHVuazogdHJ1ZSxcbiAgdGhlbWVDb25maWc6IHtcbiAgICBuYXY6IFtcbiAgICAgIHsgdGV4dDogJ0NvbmNlcHRzJywgbGluazogJy9jb25jZXB0cycgfSxcbiAgICAgIHsgdGV4dDogJ0FQSScsIGxpbms6ICcvYXBpLycgfSxcbiAgICAgIHsgdGV4dDogJ0NoYW5nZWxvZycsIGxpbms6ICcvY2hhbmdlbG9nJyB9LFxuICAgIF0sXG4gICAgc2lkZWJhcjogc2lkZWJhcigpLFxuICAgIG91dGxpbmU6IFsyLCAzXSxcbiAgICBzZWFyY2g6IHsgcHJvdmlkZXI6ICdsb2NhbCcgfSxcbiAgfSxcbiAgbWFya2Rvd246IHtcbiAgICBhbmNob3I6IHsgc2x1Z2lmeTogYW5jaG9yT2YgfSxcbiAgICBjb2RlVHJhbnNmb3JtZXJzOiBbdHJhbnNmb3JtZXJUd29zbGFzaCh7IGV4cGxpY2l0VHJpZ2dlcjogZmFsc2UsIHR3b3NsYXNoZXI6IGhvdmVycygpLCB0aHJvd3M6IHRydWUgfSldLFxuICB9LFxuICB2aXRlOiB7XG4gICAgYnVpbGQ6IHsgY2h1bmtTaXplV2FybmluZ0xpbWl0OiA0XzAwMCB9LCAvLyB0aGUgaW5kZXggb2YgdGhlIHNlYXJjaCwgd2hpY2ggaXMgbG9hZGVkIHdoZW4gaXQgaXMgb3BlbmVkXG4gICAgcGx1Z2luczogW1xuICAgICAge1xuICAgICAgICBuYW1lOiAncG9zdGJ1czpwYWdlcycsXG4gICAgICAgIGNvbmZpZ3VyZVNlcnZlcih7IHdhdGNoZXIgfSkge1xuICAgICAgICAgIHdhdGNoZXIuYWRkKFtgJHtST09UfS9kb2NzYCwgYCR7Uk9PVH0vUkVBRE1FLm1kYF0pXG4gICAgICAgICAgd2F0Y2hlci5vbignY2hhbmdlJywgYXNzZW1ibGVBZ2FpbilcbiAgICAgICAgfSxcbiAgICAgIH0sXG4gICAgXSxcbiAgfSxcbn0pXG4iLCAiY29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2Rpcm5hbWUgPSBcIi90bXAvd3Qvc2l0ZS9zaXRlXCI7Y29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2ZpbGVuYW1lID0gXCIvdG1wL3d0L3NpdGUvc2l0ZS9hc3NlbWJsZS50c1wiO2NvbnN0IF9fdml0ZV9pbmplY3RlZF9vcmlnaW5hbF9pbXBvcnRfbWV0YV91cmwgPSBcImZpbGU6Ly8vdG1wL3d0L3NpdGUvc2l0ZS9hc3NlbWJsZS50c1wiOy8qKiBQdXRzIHRoZSBwYWdlcyB0b2dldGhlciBpbiBgLnBhZ2VzYCwgZm9yIFZpdGVQcmVzczogYWxsIG9mIGRvY3MvIGFuZCB0aGUgcGFnZXMgb2YgdGhlIHJvb3QsIHdpdGggbGlua3MgdGhhdCBhcmUgcmlnaHQgb24gdGhlIHNpdGUuICovXG5pbXBvcnQgeyBjcFN5bmMsIGdsb2JTeW5jLCBta2RpclN5bmMsIHJtU3luYywgd3JpdGVGaWxlU3luYyB9IGZyb20gJ25vZGU6ZnMnXG5pbXBvcnQgeyBkaXJuYW1lLCBqb2luLCByZWxhdGl2ZSB9IGZyb20gJ25vZGU6cGF0aCdcbmltcG9ydCB7IGxsbXNGdWxsLCBsbG1zSW5kZXggfSBmcm9tICcuL2xsbXMudHMnXG5pbXBvcnQgeyBsaW5rVGFyZ2V0cywgd2l0aExpbmtzT2ZTaXRlLCB0eXBlIFRhcmdldHMgfSBmcm9tICcuL2xpbmtzLnRzJ1xuaW1wb3J0IHsgQVNTRU1CTEVELCBwbGFjZU9mLCBwdWJsaXNoZWRGaWxlcywgUk9PVCwgdGV4dE9mIH0gZnJvbSAnLi9wdWJsaXNoZWQudHMnXG5cbi8qKiBAdGhyb3dzIEVycm9yIHdpdGggZXZlcnkgbGluayB0aGF0IGxlYWRzIG5vd2hlcmUuICovXG5leHBvcnQgZnVuY3Rpb24gYXNzZW1ibGUoKTogdm9pZCB7XG4gIHJtU3luYyhBU1NFTUJMRUQsIHsgcmVjdXJzaXZlOiB0cnVlLCBmb3JjZTogdHJ1ZSB9KVxuICBjb25zdCB0YXJnZXRzID0gbGlua1RhcmdldHMoKVxuICBjb25zdCBicm9rZW4gPSBwdWJsaXNoZWRGaWxlcygpLmZsYXRNYXAoKGZpbGUpID0+IGFzc2VtYmxlUGFnZShmaWxlLCB0YXJnZXRzKSlcbiAgaWYgKGJyb2tlbi5sZW5ndGggPiAwKSB0aHJvdyBuZXcgRXJyb3IoYExpbmtzIHRoYXQgbGVhZCBub3doZXJlOlxcbiR7YnJva2VuLmpvaW4oJ1xcbicpfWApXG5cbiAgY29weVRoZVJlc3QoKVxuICB3cml0ZSgncHVibGljL2xsbXMudHh0JywgbGxtc0luZGV4KHBsYWNlT2YpKVxuICB3cml0ZSgncHVibGljL2xsbXMtZnVsbC50eHQnLCBsbG1zRnVsbCgpKVxufVxuXG4vKiogV2hpbGUgYG5wbSBydW4gZG9jczpkZXZgIHNlcnZlcyB0aGUgc2l0ZTogYSBwYWdlIHRoYXQgd2FzIGNoYW5nZWQuICovXG5leHBvcnQgZnVuY3Rpb24gYXNzZW1ibGVBZ2FpbihwYXRoOiBzdHJpbmcpOiB2b2lkIHtcbiAgY29uc3QgZmlsZSA9IHJlbGF0aXZlKFJPT1QsIHBhdGgpXG4gIGlmIChwdWJsaXNoZWRGaWxlcygpLmluY2x1ZGVzKGZpbGUpKSBmb3IgKGNvbnN0IGxpbmsgb2YgYXNzZW1ibGVQYWdlKGZpbGUsIGxpbmtUYXJnZXRzKCkpKSBjb25zb2xlLmVycm9yKGxpbmspXG59XG5cbi8qKiBSZXR1cm5zIGl0cyBsaW5rcyB0aGF0IGxlYWQgbm93aGVyZS4gKi9cbmZ1bmN0aW9uIGFzc2VtYmxlUGFnZShmaWxlOiBzdHJpbmcsIHRhcmdldHM6IFRhcmdldHMpOiByZWFkb25seSBzdHJpbmdbXSB7XG4gIGNvbnN0IHsgdGV4dCwgYnJva2VuIH0gPSB3aXRoTGlua3NPZlNpdGUoZmlsZSwgdGV4dE9mKGZpbGUpLCB0YXJnZXRzKVxuICB3cml0ZShwbGFjZU9mKGZpbGUpLCB0ZXh0KVxuICB3cml0ZShqb2luKCdwdWJsaWMnLCBwbGFjZU9mKGZpbGUpKSwgdGV4dE9mKGZpbGUpKSAvLyBhcyBpdCBpcywgZm9yIHByb2dyYW1zXG4gIHJldHVybiBicm9rZW5cbn1cblxuLyoqIFBpY3R1cmVzLCBhbmQgdGhlIFlBTUwgYW5kIEpTT04gdGhhdCBwYWdlcyBsaW5rIHRvLiAqL1xuZnVuY3Rpb24gY29weVRoZVJlc3QoKTogdm9pZCB7XG4gIGZvciAoY29uc3QgZmlsZSBvZiBnbG9iU3luYygnZG9jcy8qKi8qLionLCB7IGN3ZDogUk9PVCwgZXhjbHVkZTogKG5hbWUpID0+IFN0cmluZyhuYW1lKS5lbmRzV2l0aCgnLm1kJykgfSkpXG4gICAgY3BTeW5jKGpvaW4oUk9PVCwgZmlsZSksIGpvaW4oQVNTRU1CTEVELCAncHVibGljJywgcmVsYXRpdmUoJ2RvY3MnLCBmaWxlKSkpXG59XG5cbmZ1bmN0aW9uIHdyaXRlKHBsYWNlOiBzdHJpbmcsIHRleHQ6IHN0cmluZyk6IHZvaWQge1xuICBjb25zdCBmaWxlID0gam9pbihBU1NFTUJMRUQsIHBsYWNlKVxuICBta2RpclN5bmMoZGlybmFtZShmaWxlKSwgeyByZWN1cnNpdmU6IHRydWUgfSlcbiAgd3JpdGVGaWxlU3luYyhmaWxlLCB0ZXh0KVxufVxuXG5pZiAoaW1wb3J0Lm1ldGEubWFpbikgYXNzZW1ibGUoKVxuIiwgImNvbnN0IF9fdml0ZV9pbmplY3RlZF9vcmlnaW5hbF9kaXJuYW1lID0gXCIvdG1wL3d0L3NpdGUvc2l0ZVwiO2NvbnN0IF9fdml0ZV9pbmplY3RlZF9vcmlnaW5hbF9maWxlbmFtZSA9IFwiL3RtcC93dC9zaXRlL3NpdGUvcGFnZXMudHNcIjtjb25zdCBfX3ZpdGVfaW5qZWN0ZWRfb3JpZ2luYWxfaW1wb3J0X21ldGFfdXJsID0gXCJmaWxlOi8vL3RtcC93dC9zaXRlL3NpdGUvcGFnZXMudHNcIjsvKiogVGhlIG9yZGVyIG9mIHRoZSBkb2NzOiBlYWNoIHNlY3Rpb24gb2YgdGhlIHNpdGUgd2l0aCBpdHMgcGFnZXMuIEEgcGFnZSBvZiBkb2NzLyB0aGF0IGlzIG5vdCBuYW1lZCBoZXJlIGZhaWxzIGB0ZXN0L2RvY3Mtc2l0ZS50ZXN0LnRzYC4gKi9cblxuZXhwb3J0IGludGVyZmFjZSBTZWN0aW9uIHtcbiAgcmVhZG9ubHkgdGl0bGU6IHN0cmluZ1xuICByZWFkb25seSBwYWdlczogcmVhZG9ubHkgUGFnZVtdXG59XG5cbi8qKiBBIHBhZ2UgYnkgaXRzIGZpbGUsIGZyb20gdGhlIHJvb3Qgb2YgdGhlIHJlcG9zaXRvcnkuIEl0cyBuYW1lIGluIHRoZSBzaWRlYmFyIGlzIHNob3J0OyB0aGUgcGFnZSBoYXMgaXRzIG93biBoZWFkaW5nLiAqL1xuZXhwb3J0IGludGVyZmFjZSBQYWdlIHtcbiAgcmVhZG9ubHkgbmFtZTogc3RyaW5nXG4gIHJlYWRvbmx5IGZpbGU6IHN0cmluZ1xufVxuXG4vKiogT25lIHBhZ2UgcGVyIGRlY2lzaW9uOiB0aGVzZSBhcmUgZm91bmQsIGluIHRoZSBvcmRlciBvZiB0aGVpciBudW1iZXJzLiAqL1xuZXhwb3J0IGNvbnN0IERFQ0lTSU9OUyA9ICdkb2NzL2RlY2lzaW9ucydcblxuZXhwb3J0IGNvbnN0IFNFQ1RJT05TOiByZWFkb25seSBTZWN0aW9uW10gPSBbXG4gIHtcbiAgICB0aXRsZTogJ0ludHJvZHVjdGlvbicsXG4gICAgcGFnZXM6IFtcbiAgICAgIHsgbmFtZTogJ1Bvc3RidXMnLCBmaWxlOiAnUkVBRE1FLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnV2h5IFBvc3RidXMnLCBmaWxlOiAnZG9jcy93aHkubWQnIH0sXG4gICAgICB7IG5hbWU6ICdDb25jZXB0cycsIGZpbGU6ICdkb2NzL2NvbmNlcHRzLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnR3VhcmFudGVlcycsIGZpbGU6ICdkb2NzL2d1YXJhbnRlZXMubWQnIH0sXG4gICAgXSxcbiAgfSxcbiAge1xuICAgIHRpdGxlOiAnR3VpZGVzJyxcbiAgICBwYWdlczogW1xuICAgICAgeyBuYW1lOiAnT3JkZXJpbmcnLCBmaWxlOiAnZG9jcy9vcmRlcmluZy5tZCcgfSxcbiAgICAgIHsgbmFtZTogJ0ZhaXJuZXNzJywgZmlsZTogJ2RvY3MvZmFpcm5lc3MubWQnIH0sXG4gICAgICB7IG5hbWU6ICdQYWNlJywgZmlsZTogJ2RvY3MvcGFjZS5tZCcgfSxcbiAgICAgIHsgbmFtZTogJ1Rlc3RpbmcnLCBmaWxlOiAnZG9jcy90ZXN0aW5nLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnRXZvbHV0aW9uJywgZmlsZTogJ2RvY3MvZXZvbHV0aW9uLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnRXZlbnQgY2F0YWxvZycsIGZpbGU6ICdkb2NzL2NhdGFsb2cubWQnIH0sXG4gICAgICB7IG5hbWU6ICdSZXBsYXkgYW5kIGJhY2tmaWxsJywgZmlsZTogJ2RvY3MvcmVwbGF5Lm1kJyB9LFxuICAgICAgeyBuYW1lOiAnRXhhY3RseSBvbmNlJywgZmlsZTogJ2RvY3MvdHJhbnNhY3Rpb25zLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnSGFuZGxlcnMgdGhhdCByZWFkIHRoZSBsb2cnLCBmaWxlOiAnZG9jcy9sb2ctaGFuZGxlcnMubWQnIH0sXG4gICAgICB7IG5hbWU6ICdCYXRjaGVzJywgZmlsZTogJ2RvY3MvYmF0Y2hlcy5tZCcgfSxcbiAgICAgIHsgbmFtZTogJ0RlbGF5cyBhbmQgc2NoZWR1bGVzJywgZmlsZTogJ2RvY3Mvb24tdGltZS5tZCcgfSxcbiAgICAgIHsgbmFtZTogJ0Jyb2FkY2FzdHMnLCBmaWxlOiAnZG9jcy9icm9hZGNhc3QubWQnIH0sXG4gICAgICB7IG5hbWU6ICdSZWNlaXZpbmcnLCBmaWxlOiAnZG9jcy9yZWNlaXZpbmcubWQnIH0sXG4gICAgICB7IG5hbWU6ICdNaWRkbGV3YXJlJywgZmlsZTogJ2RvY3MvbWlkZGxld2FyZS5tZCcgfSxcbiAgICAgIHsgbmFtZTogJ1RlbGVtZXRyeScsIGZpbGU6ICdkb2NzL3RlbGVtZXRyeS5tZCcgfSxcbiAgICAgIHsgbmFtZTogJ09wZXJhdG9yIHBhZ2UnLCBmaWxlOiAnZG9jcy9vcGVyYXRvci1wYWdlLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnTW91bnRpbmcgdGhlIG9wZXJhdG9yIHBhZ2UnLCBmaWxlOiAnZG9jcy9vcGVyYXRvci1wYWdlLW1vdW50aW5nLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnTmVzdCcsIGZpbGU6ICdkb2NzL25lc3Rqcy5tZCcgfSxcbiAgICBdLFxuICB9LFxuICB7XG4gICAgdGl0bGU6ICdSdW5uaW5nIGl0JyxcbiAgICBwYWdlczogW1xuICAgICAgeyBuYW1lOiAnRGVwbG95JywgZmlsZTogJ2RvY3MvZGVwbG95Lm1kJyB9LFxuICAgICAgeyBuYW1lOiAnQ29ubmVjdGlvbnMgYW5kIHBvb2xlcnMnLCBmaWxlOiAnZG9jcy9jb25uZWN0aW9ucy5tZCcgfSxcbiAgICAgIHsgbmFtZTogJ09wZXJhdGluZycsIGZpbGU6ICdkb2NzL29wZXJhdGluZy5tZCcgfSxcbiAgICAgIHsgbmFtZTogJ1JvbGVzIGFuZCBncmFudHMnLCBmaWxlOiAnZG9jcy9yb2xlcy5tZCcgfSxcbiAgICAgIHsgbmFtZTogJ0hlYWx0aCcsIGZpbGU6ICdkb2NzL2hlYWx0aC5tZCcgfSxcbiAgICBdLFxuICB9LFxuICB7XG4gICAgdGl0bGU6ICdDb21pbmcgZnJvbScsXG4gICAgcGFnZXM6IFtdLFxuICB9LFxuICB7XG4gICAgdGl0bGU6ICdSZWZlcmVuY2UnLFxuICAgIHBhZ2VzOiBbXG4gICAgICB7IG5hbWU6ICdDb21tYW5kIGxpbmUnLCBmaWxlOiAnZG9jcy9yZWZlcmVuY2UvY2xpLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnT3B0aW9ucycsIGZpbGU6ICdkb2NzL3JlZmVyZW5jZS9vcHRpb25zLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnRXJyb3IgY29kZXMnLCBmaWxlOiAnZG9jcy9yZWZlcmVuY2UvZXJyb3JzLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnU2lnbmFscycsIGZpbGU6ICdkb2NzL3JlZmVyZW5jZS9zaWduYWxzLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnTWV0cmljcycsIGZpbGU6ICdkb2NzL3JlZmVyZW5jZS9tZXRyaWNzLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnVGFibGVzJywgZmlsZTogJ2RvY3MvcmVmZXJlbmNlL3RhYmxlcy5tZCcgfSxcbiAgICBdLFxuICB9LFxuICB7XG4gICAgdGl0bGU6ICdJbnNpZGUnLFxuICAgIHBhZ2VzOiBbXG4gICAgICB7IG5hbWU6ICdBcmNoaXRlY3R1cmUnLCBmaWxlOiAnZG9jcy9hcmNoaXRlY3R1cmUubWQnIH0sXG4gICAgICB7IG5hbWU6ICdQZXJmb3JtYW5jZScsIGZpbGU6ICdkb2NzL3BlcmZvcm1hbmNlLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnUHJvbWlzZXMgYW5kIHRoZWlyIHRlc3RzJywgZmlsZTogJ2RvY3MvcHJvbWlzZXMubWQnIH0sXG4gICAgICB7IG5hbWU6ICdDb250cmlidXRpbmcnLCBmaWxlOiAnQ09OVFJJQlVUSU5HLm1kJyB9LFxuICAgICAgeyBuYW1lOiAnU2VjdXJpdHknLCBmaWxlOiAnU0VDVVJJVFkubWQnIH0sXG4gICAgICB7IG5hbWU6ICdDaGFuZ2Vsb2cnLCBmaWxlOiAnQ0hBTkdFTE9HLm1kJyB9LFxuICAgIF0sXG4gIH0sXG5dXG4iLCAiY29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2Rpcm5hbWUgPSBcIi90bXAvd3Qvc2l0ZS9zaXRlXCI7Y29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2ZpbGVuYW1lID0gXCIvdG1wL3d0L3NpdGUvc2l0ZS9tYXJrZG93bi50c1wiO2NvbnN0IF9fdml0ZV9pbmplY3RlZF9vcmlnaW5hbF9pbXBvcnRfbWV0YV91cmwgPSBcImZpbGU6Ly8vdG1wL3d0L3NpdGUvc2l0ZS9tYXJrZG93bi50c1wiOy8qKiBUaGUgbGl0dGxlIG9mIE1hcmtkb3duIHRoYXQgdGhlIHNpdGUgcmVhZHMgaXRzZWxmOiBjb2RlLCBoZWFkaW5ncyB3aXRoIHRoZWlyIGFuY2hvcnMsIGFuZCB0aGUgZmlyc3Qgc2VudGVuY2Ugb2YgYSBwYWdlLiAqL1xuXG4vKiogVGhlIHRleHQgd2l0aCBgY2hhbmdlYCBhcHBsaWVkIHRvIHdoYXQgaXMgbm90IGNvZGU6IG5laXRoZXIgYSBibG9jayBiZXR3ZWVuIGZlbmNlcyBub3Igd29yZHMgYmV0d2VlbiBiYWNrdGlja3MuICovXG5leHBvcnQgZnVuY3Rpb24gb3V0c2lkZU9mQ29kZSh0ZXh0OiBzdHJpbmcsIGNoYW5nZTogKHBhcnQ6IHN0cmluZykgPT4gc3RyaW5nKTogc3RyaW5nIHtcbiAgY29uc3QgY29kZSA9IC9eKGB7Myx9fH57Myx9KVteXFxuXSpcXG5bXFxzXFxTXSo/XlxcMVteXFxTXFxuXSokL2dtXG4gIGxldCBjaGFuZ2VkID0gJydcbiAgbGV0IGZyb20gPSAwXG4gIGZvciAoY29uc3QgeyAwOiBibG9jaywgaW5kZXggfSBvZiB0ZXh0Lm1hdGNoQWxsKGNvZGUpKSB7XG4gICAgY2hhbmdlZCArPSBjaGFuZ2UodGV4dC5zbGljZShmcm9tLCBpbmRleCkpICsgYmxvY2tcbiAgICBmcm9tID0gaW5kZXggKyBibG9jay5sZW5ndGhcbiAgfVxuICByZXR1cm4gY2hhbmdlZCArIGNoYW5nZSh0ZXh0LnNsaWNlKGZyb20pKVxufVxuXG4vKiogVGhlIGFuY2hvcnMgb2YgYSBwYWdlLCBhcyBHaXRIdWIgbWFrZXMgdGhlbTogdGhlIHNhbWUgb25lIHR3aWNlIGdldHMgYSBudW1iZXIuICovXG5leHBvcnQgZnVuY3Rpb24gaGVhZGluZ3NPZih0ZXh0OiBzdHJpbmcpOiByZWFkb25seSBzdHJpbmdbXSB7XG4gIGNvbnN0IHNlZW4gPSBuZXcgTWFwPHN0cmluZywgbnVtYmVyPigpXG4gIGNvbnN0IGFuY2hvcnM6IHN0cmluZ1tdID0gW11cbiAgb3V0c2lkZU9mQ29kZSh0ZXh0LCAocGFydCkgPT4ge1xuICAgIGZvciAoY29uc3QgWywgaGVhZGluZyA9ICcnXSBvZiBwYXJ0Lm1hdGNoQWxsKC9eI3sxLDZ9ICguKykkL2dtKSkge1xuICAgICAgY29uc3QgYW5jaG9yID0gYW5jaG9yT2YoaGVhZGluZylcbiAgICAgIGNvbnN0IHRpbWVzID0gc2Vlbi5nZXQoYW5jaG9yKSA/PyAwXG4gICAgICBzZWVuLnNldChhbmNob3IsIHRpbWVzICsgMSlcbiAgICAgIGFuY2hvcnMucHVzaCh0aW1lcyA9PT0gMCA/IGFuY2hvciA6IGAke2FuY2hvcn0tJHt0aW1lc31gKVxuICAgIH1cbiAgICByZXR1cm4gcGFydFxuICB9KVxuICByZXR1cm4gYW5jaG9yc1xufVxuXG4vKiogQXMgR2l0SHViIG1ha2VzIHRoZSBhbmNob3Igb2YgYSBoZWFkaW5nOiBsb3dlciBjYXNlLCBubyBwdW5jdHVhdGlvbiwgYSBoeXBoZW4gZm9yIGVhY2ggc3BhY2UuICovXG5leHBvcnQgZnVuY3Rpb24gYW5jaG9yT2YoaGVhZGluZzogc3RyaW5nKTogc3RyaW5nIHtcbiAgcmV0dXJuIGhlYWRpbmdcbiAgICAucmVwbGFjZSgvIT9cXFsoW15cXF1dKilcXF1cXChbXildKlxcKS9nLCAnJDEnKVxuICAgIC50cmltKClcbiAgICAudG9Mb3dlckNhc2UoKVxuICAgIC5yZXBsYWNlKC9bXlxccHtMfVxccHtOfVxccHtNfVxcc18tXS9ndSwgJycpXG4gICAgLnJlcGxhY2UoL1xccy9nLCAnLScpXG59XG5cbi8qKiBUaGUgZmlyc3Qgc2VudGVuY2UgYWZ0ZXIgdGhlIGZpcnN0IGhlYWRpbmcsIGFzIHBsYWluIHRleHQuICovXG5leHBvcnQgZnVuY3Rpb24gZmlyc3RTZW50ZW5jZU9mKHRleHQ6IHN0cmluZyk6IHN0cmluZyB7XG4gIGNvbnN0IFssICwgLi4uYWZ0ZXJdID0gdGV4dC5zcGxpdCgvXigjIC4rKSQvbSlcbiAgY29uc3QgcGFyYWdyYXBoID0gYWZ0ZXJcbiAgICAuam9pbignJylcbiAgICAuc3BsaXQoL1xcblxccypcXG4vKVxuICAgIC5tYXAoKG9uZSkgPT4gb25lLnRyaW0oKSlcbiAgICAuZmluZCgob25lKSA9PiAvXltcXHB7TH0qYFtcdTIwMUNcIl0vdS50ZXN0KG9uZSkgJiYgIW9uZS5zdGFydHNXaXRoKCdgYGAnKSlcbiAgY29uc3QgcGxhaW4gPSAocGFyYWdyYXBoID8/ICcnKVxuICAgIC5yZXBsYWNlKC9cXFsoW15cXF1dKilcXF1cXChbXildKlxcKS9nLCAnJDEnKVxuICAgIC5yZXBsYWNlQWxsKCcqKicsICcnKVxuICAgIC5yZXBsYWNlQWxsKC9cXHMrL2csICcgJylcbiAgcmV0dXJuIC9eLio/Wy46XSg/PSB8JCkvLmV4ZWMocGxhaW4pPy5bMF0ucmVwbGFjZSgvOiQvLCAnLicpID8/IHBsYWluXG59XG4iLCAiY29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2Rpcm5hbWUgPSBcIi90bXAvd3Qvc2l0ZS9zaXRlXCI7Y29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2ZpbGVuYW1lID0gXCIvdG1wL3d0L3NpdGUvc2l0ZS9wdWJsaXNoZWQudHNcIjtjb25zdCBfX3ZpdGVfaW5qZWN0ZWRfb3JpZ2luYWxfaW1wb3J0X21ldGFfdXJsID0gXCJmaWxlOi8vL3RtcC93dC9zaXRlL3NpdGUvcHVibGlzaGVkLnRzXCI7LyoqIFdoaWNoIHBhZ2VzIGFyZSBwdWJsaXNoZWQsIGFuZCB3aGVyZSBvbiB0aGUgc2l0ZSBlYWNoIGZpbGUgb2YgdGhlIHJlcG9zaXRvcnkgc3RhbmRzLiAqL1xuaW1wb3J0IHsgZ2xvYlN5bmMsIHJlYWRGaWxlU3luYyB9IGZyb20gJ25vZGU6ZnMnXG5pbXBvcnQgeyBqb2luLCByZWxhdGl2ZSwgcmVzb2x2ZSB9IGZyb20gJ25vZGU6cGF0aCdcbmltcG9ydCB7IERFQ0lTSU9OUywgU0VDVElPTlMgfSBmcm9tICcuL3BhZ2VzLnRzJ1xuXG4vKiogVGhlIHJvb3Qgb2YgdGhlIHJlcG9zaXRvcnkuICovXG5leHBvcnQgY29uc3QgUk9PVCA9IHJlc29sdmUoaW1wb3J0Lm1ldGEuZGlybmFtZSwgJy4uJylcbi8qKiBXaGVyZSB0aGUgcGFnZXMgYXJlIHB1dCB0b2dldGhlciwgZm9yIFZpdGVQcmVzcyB0byByZWFkLiAqL1xuZXhwb3J0IGNvbnN0IEFTU0VNQkxFRCA9IGpvaW4oaW1wb3J0Lm1ldGEuZGlybmFtZSwgJy5wYWdlcycpXG5cbi8qKiBFdmVyeSBmaWxlIHRoYXQgaXMgYSBwYWdlLCBpbiB0aGUgb3JkZXIgb2YgdGhlIHNpZGViYXIuICovXG5leHBvcnQgZnVuY3Rpb24gcHVibGlzaGVkRmlsZXMoKTogcmVhZG9ubHkgc3RyaW5nW10ge1xuICByZXR1cm4gWy4uLlNFQ1RJT05TLmZsYXRNYXAoKHsgcGFnZXMgfSkgPT4gcGFnZXMubWFwKCh7IGZpbGUgfSkgPT4gZmlsZSkpLCAuLi5kZWNpc2lvbkZpbGVzKCldXG59XG5cbmV4cG9ydCBmdW5jdGlvbiBkZWNpc2lvbkZpbGVzKCk6IHJlYWRvbmx5IHN0cmluZ1tdIHtcbiAgcmV0dXJuIGRvY3NGaWxlcygpLmZpbHRlcigoZmlsZSkgPT4gZmlsZS5zdGFydHNXaXRoKGAke0RFQ0lTSU9OU30vYCkpXG59XG5cbi8qKiBFdmVyeSBNYXJrZG93biBmaWxlIG9mIGRvY3MvLiAqL1xuZXhwb3J0IGZ1bmN0aW9uIGRvY3NGaWxlcygpOiByZWFkb25seSBzdHJpbmdbXSB7XG4gIHJldHVybiBnbG9iU3luYygnZG9jcy8qKi8qLm1kJywgeyBjd2Q6IFJPT1QgfSkudG9Tb3J0ZWQoKVxufVxuXG4vKiogYGRvY3Mvb3JkZXJpbmcubWRgIGlzIGBvcmRlcmluZy5tZGAgb24gdGhlIHNpdGUsIGFuZCBSRUFETUUgaXMgaXRzIGZpcnN0IHBhZ2UuICovXG5leHBvcnQgZnVuY3Rpb24gcGxhY2VPZihmaWxlOiBzdHJpbmcpOiBzdHJpbmcge1xuICBpZiAoZmlsZSA9PT0gJ1JFQURNRS5tZCcpIHJldHVybiAnaW5kZXgubWQnXG4gIHJldHVybiBmaWxlLnN0YXJ0c1dpdGgoJ2RvY3MvJykgPyByZWxhdGl2ZSgnZG9jcycsIGZpbGUpIDogZmlsZS50b0xvd2VyQ2FzZSgpXG59XG5cbmV4cG9ydCBmdW5jdGlvbiB0ZXh0T2YoZmlsZTogc3RyaW5nKTogc3RyaW5nIHtcbiAgcmV0dXJuIHJlYWRGaWxlU3luYyhqb2luKFJPT1QsIGZpbGUpLCAndXRmOCcpXG59XG5cbi8qKiBUaGUgZmlyc3QgaGVhZGluZyBvZiBhIHBhZ2UsIHdpdGhvdXQgbWFya3MuICovXG5leHBvcnQgZnVuY3Rpb24gdGl0bGVPZihmaWxlOiBzdHJpbmcpOiBzdHJpbmcge1xuICBjb25zdCB0aXRsZSA9IC9eIyAoLispJC9tLmV4ZWModGV4dE9mKGZpbGUpKT8uWzFdXG4gIGlmICh0aXRsZSA9PT0gdW5kZWZpbmVkKSB0aHJvdyBuZXcgRXJyb3IoYCR7ZmlsZX0gaGFzIG5vIGhlYWRpbmcgXCIjIFx1MjAyNlwiYClcbiAgcmV0dXJuIHRpdGxlLnJlcGxhY2VBbGwoJ2AnLCAnJylcbn1cblxuLyoqIFRoZSBhZGRyZXNzIG9mIHRoZSByZXBvc2l0b3J5IGZyb20gcGFja2FnZS5qc29uLCBzdWNoIGFzIGBodHRwczovL2dpdGh1Yi5jb20vb3duZXIvbmFtZWAsIG9yIG51bGwuICovXG5leHBvcnQgZnVuY3Rpb24gcmVwb3NpdG9yeUFkZHJlc3MoKTogc3RyaW5nIHwgbnVsbCB7XG4gIGNvbnN0IHsgcmVwb3NpdG9yeSB9ID0gSlNPTi5wYXJzZSh0ZXh0T2YoJ3BhY2thZ2UuanNvbicpKSBhcyB7IHJlcG9zaXRvcnk/OiBzdHJpbmcgfCB7IHVybDogc3RyaW5nIH0gfVxuICBjb25zdCB1cmwgPSB0eXBlb2YgcmVwb3NpdG9yeSA9PT0gJ3N0cmluZycgPyByZXBvc2l0b3J5IDogcmVwb3NpdG9yeT8udXJsXG4gIGlmICh1cmwgPT09IHVuZGVmaW5lZCkgcmV0dXJuIG51bGxcbiAgcmV0dXJuIHVybFxuICAgIC5yZXBsYWNlKC9eZ2l0XFwrLywgJycpXG4gICAgLnJlcGxhY2UoL15naXRodWI6LywgJ2h0dHBzOi8vZ2l0aHViLmNvbS8nKVxuICAgIC5yZXBsYWNlKC9cXC5naXQkLywgJycpXG59XG4iLCAiY29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2Rpcm5hbWUgPSBcIi90bXAvd3Qvc2l0ZS9zaXRlXCI7Y29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2ZpbGVuYW1lID0gXCIvdG1wL3d0L3NpdGUvc2l0ZS9sbG1zLnRzXCI7Y29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2ltcG9ydF9tZXRhX3VybCA9IFwiZmlsZTovLy90bXAvd3Qvc2l0ZS9zaXRlL2xsbXMudHNcIjsvKiogYGxsbXMudHh0YDogdGhlIGxpc3Qgb2YgYWxsIHBhZ2VzIGZvciBwcm9ncmFtcyB0aGF0IHJlYWQgZG9jdW1lbnRhdGlvbi4gQW5kIGFsbCBvZiB0aGVtIGluIG9uZSBmaWxlLiAqL1xuaW1wb3J0IHsgREVDSVNJT05TLCBTRUNUSU9OUywgdHlwZSBQYWdlIH0gZnJvbSAnLi9wYWdlcy50cydcbmltcG9ydCB7IGZpcnN0U2VudGVuY2VPZiB9IGZyb20gJy4vbWFya2Rvd24udHMnXG5pbXBvcnQgeyBkZWNpc2lvbkZpbGVzLCBwdWJsaXNoZWRGaWxlcywgdGV4dE9mLCB0aXRsZU9mIH0gZnJvbSAnLi9wdWJsaXNoZWQudHMnXG5cbi8qKiBUaGUgbGlzdCwgd2l0aCBsaW5rcyBhcyBgYWRkcmVzc09mYCBtYWtlcyB0aGVtIG9mIGEgZmlsZS4gKi9cbmV4cG9ydCBmdW5jdGlvbiBsbG1zSW5kZXgoYWRkcmVzc09mOiAoZmlsZTogc3RyaW5nKSA9PiBzdHJpbmcpOiBzdHJpbmcge1xuICBjb25zdCBzZWN0aW9ucyA9IFNFQ1RJT05TLmZpbHRlcigoeyBwYWdlcyB9KSA9PiBwYWdlcy5sZW5ndGggPiAwKS5tYXAoXG4gICAgKHsgdGl0bGUsIHBhZ2VzIH0pID0+IGAjIyAke3RpdGxlfVxcblxcbiR7cGFnZXMubWFwKChwYWdlKSA9PiBsaW5lKHBhZ2UsIGFkZHJlc3NPZikpLmpvaW4oJ1xcbicpfWAsXG4gIClcbiAgY29uc3QgZGVjaXNpb25zID0gZGVjaXNpb25GaWxlcygpLm1hcCgoZmlsZSkgPT4gbGluZSh7IG5hbWU6IHRpdGxlT2YoZmlsZSksIGZpbGUgfSwgYWRkcmVzc09mKSlcbiAgcmV0dXJuIFtcbiAgICAnIyBQb3N0YnVzJyxcbiAgICBgPiAke2ZpcnN0U2VudGVuY2VPZih0ZXh0T2YoJ1JFQURNRS5tZCcpKX1gLFxuICAgIC4uLnNlY3Rpb25zLFxuICAgIGAjIyBPcHRpb25hbFxcblxcbiR7ZGVjaXNpb25zLmpvaW4oJ1xcbicpfWAsXG4gICAgJycsXG4gIF0uam9pbignXFxuXFxuJylcbn1cblxuZnVuY3Rpb24gbGluZSh7IG5hbWUsIGZpbGUgfTogUGFnZSwgYWRkcmVzc09mOiAoZmlsZTogc3RyaW5nKSA9PiBzdHJpbmcpOiBzdHJpbmcge1xuICByZXR1cm4gYC0gWyR7bmFtZX1dKCR7YWRkcmVzc09mKGZpbGUpfSk6ICR7Zmlyc3RTZW50ZW5jZU9mKHRleHRPZihmaWxlKSl9YFxufVxuXG4vKiogRXZlcnkgcGFnZSBidXQgdGhlIGRlY2lzaW9ucywgb25lIGFmdGVyIHRoZSBvdGhlci4gKi9cbmV4cG9ydCBmdW5jdGlvbiBsbG1zRnVsbCgpOiBzdHJpbmcge1xuICByZXR1cm4gcHVibGlzaGVkRmlsZXMoKVxuICAgIC5maWx0ZXIoKGZpbGUpID0+ICFmaWxlLnN0YXJ0c1dpdGgoREVDSVNJT05TKSlcbiAgICAubWFwKChmaWxlKSA9PiBgPCEtLSAke2ZpbGV9IC0tPlxcblxcbiR7dGV4dE9mKGZpbGUpLnRyaW0oKX1cXG5gKVxuICAgIC5qb2luKCdcXG4nKVxufVxuIiwgImNvbnN0IF9fdml0ZV9pbmplY3RlZF9vcmlnaW5hbF9kaXJuYW1lID0gXCIvdG1wL3d0L3NpdGUvc2l0ZVwiO2NvbnN0IF9fdml0ZV9pbmplY3RlZF9vcmlnaW5hbF9maWxlbmFtZSA9IFwiL3RtcC93dC9zaXRlL3NpdGUvbGlua3MudHNcIjtjb25zdCBfX3ZpdGVfaW5qZWN0ZWRfb3JpZ2luYWxfaW1wb3J0X21ldGFfdXJsID0gXCJmaWxlOi8vL3RtcC93dC9zaXRlL3NpdGUvbGlua3MudHNcIjsvKiogTGlua3Mgb2YgdGhlIE1hcmtkb3duIGZpbGVzLCBtYWRlIHJpZ2h0IGZvciB0aGUgc2l0ZTogdG8gaXRzIG93biBwYWdlcywgdG8gZmlsZXMgdGhhdCBhcmUgcHVibGlzaGVkIGFzIHRoZXkgYXJlLCBvciB0byB0aGUgcmVwb3NpdG9yeS4gKi9cbmltcG9ydCB7IGV4aXN0c1N5bmMgfSBmcm9tICdub2RlOmZzJ1xuaW1wb3J0IHsgam9pbiwgcG9zaXggfSBmcm9tICdub2RlOnBhdGgnXG5pbXBvcnQgeyBoZWFkaW5nc09mLCBvdXRzaWRlT2ZDb2RlIH0gZnJvbSAnLi9tYXJrZG93bi50cydcbmltcG9ydCB7IHBsYWNlT2YsIHB1Ymxpc2hlZEZpbGVzLCByZXBvc2l0b3J5QWRkcmVzcywgUk9PVCwgdGV4dE9mIH0gZnJvbSAnLi9wdWJsaXNoZWQudHMnXG5cbmV4cG9ydCBpbnRlcmZhY2UgUmV3cml0dGVuIHtcbiAgcmVhZG9ubHkgdGV4dDogc3RyaW5nXG4gIC8qKiBMaW5rcyB0aGF0IGxlYWQgbm93aGVyZSwgZWFjaCB3aXRoIGl0cyBmaWxlLiAqL1xuICByZWFkb25seSBicm9rZW46IHJlYWRvbmx5IHN0cmluZ1tdXG59XG5cbi8qKiBBIGxpbmsgYFt0ZXh0XSh0YXJnZXQpYCBvciB0aGUgc3RhcnQgb2Ygb25lIGFyb3VuZCBhbiBpbWFnZTsgdGhlIHRhcmdldCBoYXMgbm8gc3BhY2VzLiAqL1xuY29uc3QgTElOSyA9IC8oIT8pXFxbKCg/OlteW1xcXV18XFxbW15cXF1dKlxcXXwhXFxbW15cXF1dKlxcXVxcKFteKV0qXFwpKSopXFxdXFwoKFteKClcXHNdKylcXCkvZ1xuXG4vKiogV2hhdCBsaW5rcyBjYW4gbGVhZCB0byBvbiB0aGUgc2l0ZS4gKi9cbmV4cG9ydCBpbnRlcmZhY2UgVGFyZ2V0cyB7XG4gIHJlYWRvbmx5IGZpbGVzOiBSZWFkb25seVNldDxzdHJpbmc+XG4gIGhlYWRpbmdzT2YoZmlsZTogc3RyaW5nKTogcmVhZG9ubHkgc3RyaW5nW11cbiAgcmVhZG9ubHkgcmVwb3NpdG9yeTogc3RyaW5nIHwgbnVsbFxufVxuXG4vKiogUmVhZHMgZWFjaCBwYWdlIG9uY2UuICovXG5leHBvcnQgZnVuY3Rpb24gbGlua1RhcmdldHMoKTogVGFyZ2V0cyB7XG4gIGNvbnN0IGhlYWRpbmdzID0gbmV3IE1hcDxzdHJpbmcsIHJlYWRvbmx5IHN0cmluZ1tdPigpXG4gIHJldHVybiB7XG4gICAgZmlsZXM6IG5ldyBTZXQocHVibGlzaGVkRmlsZXMoKSksXG4gICAgaGVhZGluZ3NPZihmaWxlKSB7XG4gICAgICBjb25zdCBmb3VuZCA9IGhlYWRpbmdzLmdldChmaWxlKSA/PyBoZWFkaW5nc09mKHRleHRPZihmaWxlKSlcbiAgICAgIGhlYWRpbmdzLnNldChmaWxlLCBmb3VuZClcbiAgICAgIHJldHVybiBmb3VuZFxuICAgIH0sXG4gICAgcmVwb3NpdG9yeTogcmVwb3NpdG9yeUFkZHJlc3MoKSxcbiAgfVxufVxuXG4vKiogVGhlIHRleHQgb2YgYGZpbGVgIHdpdGggaXRzIGxpbmtzIGFzIHRoZSBzaXRlIGhhcyB0aGVtLiAqL1xuZXhwb3J0IGZ1bmN0aW9uIHdpdGhMaW5rc09mU2l0ZShmaWxlOiBzdHJpbmcsIHRleHQ6IHN0cmluZywgdGFyZ2V0czogVGFyZ2V0cyk6IFJld3JpdHRlbiB7XG4gIGNvbnN0IGJyb2tlbjogc3RyaW5nW10gPSBbXVxuICBjb25zdCByZXdyaXRlID0gKHBhcnQ6IHN0cmluZyk6IHN0cmluZyA9PlxuICAgIHBhcnQucmVwbGFjZShMSU5LLCAobGluazogc3RyaW5nLCBpbWFnZTogc3RyaW5nLCBsYWJlbDogc3RyaW5nLCB0YXJnZXQ6IHN0cmluZykgPT4ge1xuICAgICAgY29uc3QgZm91bmQgPSB0YXJnZXRPZihmaWxlLCB0YXJnZXQsIHRhcmdldHMpXG4gICAgICBpZiAoZm91bmQgPT09IG51bGwpIGJyb2tlbi5wdXNoKGAke2ZpbGV9IFx1MjE5MiAke3RhcmdldH1gKVxuICAgICAgY29uc3QgaW5uZXIgPSBsYWJlbC5pbmNsdWRlcygnXSgnKSA/IHJld3JpdGUobGFiZWwpIDogbGFiZWxcbiAgICAgIGlmIChmb3VuZCA9PT0gbnVsbCB8fCBmb3VuZCA9PT0gJ25vIGFkZHJlc3MnKSByZXR1cm4gaW1hZ2UgPyBsaW5rIDogaW5uZXJcbiAgICAgIHJldHVybiBgJHtpbWFnZX1bJHtpbm5lcn1dKCR7Zm91bmR9KWBcbiAgICB9KVxuICByZXR1cm4geyB0ZXh0OiBvdXRzaWRlT2ZDb2RlKHRleHQsIHJld3JpdGUpLCBicm9rZW4gfVxufVxuXG4vKiogV2hlcmUgYSBsaW5rIG9mIGBmaWxlYCBsZWFkcyBvbiB0aGUgc2l0ZSwgb3IgbnVsbCB3aGVuIGl0IGxlYWRzIG5vd2hlcmUuICovXG5mdW5jdGlvbiB0YXJnZXRPZihmaWxlOiBzdHJpbmcsIHRhcmdldDogc3RyaW5nLCB7IGZpbGVzLCByZXBvc2l0b3J5LCAuLi5yZWFkIH06IFRhcmdldHMpOiBzdHJpbmcgfCBudWxsIHtcbiAgaWYgKC9eW2Etel0rOi8udGVzdCh0YXJnZXQpKSByZXR1cm4gdGFyZ2V0XG4gIGNvbnN0IFtwYXRoID0gJycsIGFuY2hvcl0gPSB0YXJnZXQuc3BsaXQoJyMnKVxuICBjb25zdCBwb2ludGVkID0gcGF0aCA9PT0gJycgPyBmaWxlIDogcG9zaXgubm9ybWFsaXplKHBvc2l4LmpvaW4ocG9zaXguZGlybmFtZShmaWxlKSwgZGVjb2RlVVJJKHBhdGgpKSlcbiAgaWYgKHBvaW50ZWQuc3RhcnRzV2l0aCgnLi4nKSB8fCAhZXhpc3RzU3luYyhqb2luKFJPT1QsIHBvaW50ZWQpKSkgcmV0dXJuIG51bGxcblxuICBpZiAoZmlsZXMuaGFzKHBvaW50ZWQpKSB7XG4gICAgaWYgKGFuY2hvciAhPT0gdW5kZWZpbmVkICYmICFyZWFkLmhlYWRpbmdzT2YocG9pbnRlZCkuaW5jbHVkZXMoYW5jaG9yKSkgcmV0dXJuIG51bGxcbiAgICBjb25zdCBwbGFjZSA9IHBhdGggPT09ICcnID8gJycgOiBgLyR7cGxhY2VPZihwb2ludGVkKX1gXG4gICAgcmV0dXJuIGFuY2hvciA9PT0gdW5kZWZpbmVkID8gcGxhY2UgOiBgJHtwbGFjZX0jJHthbmNob3J9YFxuICB9XG4gIGlmIChwb2ludGVkLnN0YXJ0c1dpdGgoJ2RvY3MvJykgJiYgL1xcLlxcdyskLy50ZXN0KHBvaW50ZWQpKSByZXR1cm4gYC8ke3Bvc2l4LnJlbGF0aXZlKCdkb2NzJywgcG9pbnRlZCl9YFxuICByZXR1cm4gcmVwb3NpdG9yeSA9PT0gbnVsbCA/ICdubyBhZGRyZXNzJyA6IGAke3JlcG9zaXRvcnl9L2Jsb2IvbWFpbi8ke3BvaW50ZWR9YFxufVxuIiwgImNvbnN0IF9fdml0ZV9pbmplY3RlZF9vcmlnaW5hbF9kaXJuYW1lID0gXCIvdG1wL3d0L3NpdGUvc2l0ZVwiO2NvbnN0IF9fdml0ZV9pbmplY3RlZF9vcmlnaW5hbF9maWxlbmFtZSA9IFwiL3RtcC93dC9zaXRlL3NpdGUvaG92ZXJzLnRzXCI7Y29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2ltcG9ydF9tZXRhX3VybCA9IFwiZmlsZTovLy90bXAvd3Qvc2l0ZS9zaXRlL2hvdmVycy50c1wiOy8qKlxuICogV2hhdCBhbiBlZGl0b3Igc2hvd3Mgd2hlbiB0aGUgcG9pbnRlciBzdGFuZHMgb24gYSBuYW1lLCBmb3IgdGhlIFR5cGVTY3JpcHQgYmxvY2tzIG9mIHRoZSBwYWdlcy4gVGhlIGJsb2NrcyBvZiBhIHBhZ2UgdGhhdCBiZWdpbiB3aXRoXG4gKiBgLy8gZmlsZS50c2Agc2VlIGVhY2ggb3RoZXIsIGFzIHRoZXkgZG8gd2hlbiB0aGV5IGFyZSBjb21waWxlZCBieSB0aGUgdGVzdHMuXG4gKi9cbmltcG9ydCB7IGJhc2VuYW1lLCBqb2luIH0gZnJvbSAnbm9kZTpwYXRoJ1xuaW1wb3J0IHR5cGUgeyBUd29zbGFzaFNoaWtpRnVuY3Rpb24sIFR3b3NsYXNoU2hpa2lSZXR1cm4gfSBmcm9tICdAc2hpa2lqcy90d29zbGFzaCdcbmltcG9ydCB0cyBmcm9tICd0eXBlc2NyaXB0J1xuaW1wb3J0IHsgZW50cmllcyB9IGZyb20gJy4vZW50cmllcy50cydcbmltcG9ydCB7IGRvY3NGaWxlcywgUk9PVCwgdGV4dE9mIH0gZnJvbSAnLi9wdWJsaXNoZWQudHMnXG5cbi8qKiBCZWxvdyB0aGUgcm9vdCwgZm9yIHRoZSBwYWNrYWdlcyB0byBiZSBmb3VuZC4gTm90aGluZyBpcyB3cml0dGVuIHRoZXJlLiAqL1xuY29uc3QgRk9MREVSID0gam9pbihST09ULCAnLnBvc3RidXMvc2l0ZS1ibG9ja3MnKVxuY29uc3QgRklMRV9OQU1FID0gL15cXC9cXC8gKFxcUytcXC50c3g/KVxcbi9cbmNvbnN0IExPTkdFU1QgPSA1MDBcblxuY29uc3QgT1BUSU9OUzogdHMuQ29tcGlsZXJPcHRpb25zID0ge1xuICB0YXJnZXQ6IHRzLlNjcmlwdFRhcmdldC5FUzIwMjQsXG4gIG1vZHVsZTogdHMuTW9kdWxlS2luZC5Ob2RlTmV4dCxcbiAgc3RyaWN0OiB0cnVlLFxuICBza2lwTGliQ2hlY2s6IHRydWUsXG4gIG5vRW1pdDogdHJ1ZSxcbiAgYWxsb3dJbXBvcnRpbmdUc0V4dGVuc2lvbnM6IHRydWUsXG4gIGV4cGVyaW1lbnRhbERlY29yYXRvcnM6IHRydWUsXG4gIHR5cGVzOiBbJ25vZGUnXSxcbiAgcGF0aHM6IE9iamVjdC5mcm9tRW50cmllcyhlbnRyaWVzKCkubWFwKCh7IG5hbWUsIHNvdXJjZSB9KSA9PiBbbmFtZSwgW2pvaW4oUk9PVCwgc291cmNlKV1dKSksXG59XG5cbi8qKiBCbG9ja3Mgd2l0aG91dCBhIGZpbGUncyBuYW1lIGFyZSBzaG93biBhcyB0aGV5IGFyZS4gKi9cbmV4cG9ydCBmdW5jdGlvbiBob3ZlcnMoKTogVHdvc2xhc2hTaGlraUZ1bmN0aW9uIHtcbiAgY29uc3QgYmxvY2tzID0gYmxvY2tzQnlDb2RlKClcbiAgY29uc3Qgc2VydmljZSA9IHNlcnZpY2VGb3IoYmxvY2tzKVxuICByZXR1cm4gKGNvZGU6IHN0cmluZyk6IFR3b3NsYXNoU2hpa2lSZXR1cm4gPT4ge1xuICAgIGNvbnN0IGZpbGUgPSBibG9ja3MuZ2V0KGNvZGUudHJpbSgpKVxuICAgIGNvbnN0IG5vZGVzID0gZmlsZSA9PT0gdW5kZWZpbmVkID8gW10gOiBob3ZlcnNPZihzZXJ2aWNlLCBmaWxlKVxuICAgIHJldHVybiB7IGNvZGUsIG5vZGVzLCBtZXRhOiB7IGV4dGVuc2lvbjogJ3RzJyB9IH0gYXMgVHdvc2xhc2hTaGlraVJldHVyblxuICB9XG59XG5cbnR5cGUgSG92ZXIgPSBFeHRyYWN0PFR3b3NsYXNoU2hpa2lSZXR1cm5bJ25vZGVzJ11bbnVtYmVyXSwgeyB0eXBlOiAnaG92ZXInIH0+XG5cbmZ1bmN0aW9uIGhvdmVyc09mKHNlcnZpY2U6IHRzLkxhbmd1YWdlU2VydmljZSwgZmlsZTogc3RyaW5nKTogSG92ZXJbXSB7XG4gIGNvbnN0IHNvdXJjZSA9IHNlcnZpY2UuZ2V0UHJvZ3JhbSgpPy5nZXRTb3VyY2VGaWxlKGZpbGUpXG4gIGlmICghc291cmNlKSByZXR1cm4gW11cbiAgY29uc3QgZm91bmQ6IEhvdmVyW10gPSBbXVxuICBjb25zdCB2aXNpdCA9IChub2RlOiB0cy5Ob2RlKTogdm9pZCA9PiB7XG4gICAgaWYgKHRzLmlzSWRlbnRpZmllcihub2RlKSkgZm91bmQucHVzaCguLi5ob3ZlckF0KHNlcnZpY2UsIHNvdXJjZSwgbm9kZSkpXG4gICAgdHMuZm9yRWFjaENoaWxkKG5vZGUsIHZpc2l0KVxuICB9XG4gIHZpc2l0KHNvdXJjZSlcbiAgcmV0dXJuIGZvdW5kXG59XG5cbmZ1bmN0aW9uIGhvdmVyQXQoc2VydmljZTogdHMuTGFuZ3VhZ2VTZXJ2aWNlLCBzb3VyY2U6IHRzLlNvdXJjZUZpbGUsIG5vZGU6IHRzLklkZW50aWZpZXIpOiBIb3ZlcltdIHtcbiAgY29uc3Qgc3RhcnQgPSBub2RlLmdldFN0YXJ0KHNvdXJjZSlcbiAgY29uc3QgaW5mbyA9IHNlcnZpY2UuZ2V0UXVpY2tJbmZvQXRQb3NpdGlvbihzb3VyY2UuZmlsZU5hbWUsIHN0YXJ0KVxuICBjb25zdCB0ZXh0ID0gdHMuZGlzcGxheVBhcnRzVG9TdHJpbmcoaW5mbz8uZGlzcGxheVBhcnRzKS5yZXBsYWNlKC9eXFwoYWxpYXNcXCkgKC4qKVxcbmltcG9ydCAuKiQvcywgJyQxJylcbiAgaWYgKHRleHQgPT09ICcnIHx8IHRleHQubGVuZ3RoID4gTE9OR0VTVCB8fCAvXihhbnl8aW1wb3J0IFxcdyspJHw6IGFueSQvLnRlc3QodGV4dCkpIHJldHVybiBbXVxuICBjb25zdCB7IGxpbmUsIGNoYXJhY3RlciB9ID0gc291cmNlLmdldExpbmVBbmRDaGFyYWN0ZXJPZlBvc2l0aW9uKHN0YXJ0KVxuICBjb25zdCBkb2NzID0gdHMuZGlzcGxheVBhcnRzVG9TdHJpbmcoaW5mbz8uZG9jdW1lbnRhdGlvbilcbiAgcmV0dXJuIFtcbiAgICB7XG4gICAgICB0eXBlOiAnaG92ZXInLFxuICAgICAgdGV4dCxcbiAgICAgIC4uLihkb2NzICE9PSAnJyAmJiB7IGRvY3MgfSksXG4gICAgICBzdGFydCxcbiAgICAgIGxlbmd0aDogbm9kZS5nZXRXaWR0aChzb3VyY2UpLFxuICAgICAgdGFyZ2V0OiBub2RlLnRleHQsXG4gICAgICBsaW5lLFxuICAgICAgY2hhcmFjdGVyLFxuICAgIH0sXG4gIF1cbn1cblxuLyoqIEVhY2ggYmxvY2sncyBmaWxlLCBieSBpdHMgY29kZTogdGhlIHRlc3RzIGhvbGQgdGhhdCBhIHBhZ2UgaGFzIG5vIHR3byBibG9ja3Mgb2Ygb25lIG5hbWUuICovXG5mdW5jdGlvbiBibG9ja3NCeUNvZGUoKTogUmVhZG9ubHlNYXA8c3RyaW5nLCBzdHJpbmc+IHtcbiAgY29uc3QgYmxvY2tzID0gbmV3IE1hcDxzdHJpbmcsIHN0cmluZz4oKVxuICBmb3IgKGNvbnN0IHBhZ2Ugb2YgWydSRUFETUUubWQnLCAuLi5kb2NzRmlsZXMoKV0pIHtcbiAgICBmb3IgKGNvbnN0IFssIGNvZGUgPSAnJ10gb2YgdGV4dE9mKHBhZ2UpLm1hdGNoQWxsKC9eYGBgdHNcXG4oW1xcc1xcU10qPyleYGBgL2dtKSkge1xuICAgICAgY29uc3QgbmFtZSA9IEZJTEVfTkFNRS5leGVjKGNvZGUpPy5bMV1cbiAgICAgIGlmIChuYW1lICE9PSB1bmRlZmluZWQpIGJsb2Nrcy5zZXQoY29kZS50cmltKCksIGpvaW4oRk9MREVSLCBmb2xkZXJPZihwYWdlKSwgYmFzZW5hbWUobmFtZSkpKVxuICAgIH1cbiAgfVxuICByZXR1cm4gYmxvY2tzXG59XG5cbmZ1bmN0aW9uIGZvbGRlck9mKHBhZ2U6IHN0cmluZyk6IHN0cmluZyB7XG4gIHJldHVybiBwYWdlLnJlcGxhY2VBbGwoJy8nLCAnLScpXG59XG5cbmZ1bmN0aW9uIHNlcnZpY2VGb3IoYmxvY2tzOiBSZWFkb25seU1hcDxzdHJpbmcsIHN0cmluZz4pOiB0cy5MYW5ndWFnZVNlcnZpY2Uge1xuICBjb25zdCBjb2RlcyA9IG5ldyBNYXAoQXJyYXkuZnJvbShibG9ja3MsIChbY29kZSwgZmlsZV0pID0+IFtmaWxlLCBjb2RlXSkpXG4gIGNvbnN0IHJlYWQgPSAoZmlsZTogc3RyaW5nKSA9PiBjb2Rlcy5nZXQoZmlsZSkgPz8gdHMuc3lzLnJlYWRGaWxlKGZpbGUpXG4gIHJldHVybiB0cy5jcmVhdGVMYW5ndWFnZVNlcnZpY2Uoe1xuICAgIGdldENvbXBpbGF0aW9uU2V0dGluZ3M6ICgpID0+IE9QVElPTlMsXG4gICAgZ2V0U2NyaXB0RmlsZU5hbWVzOiAoKSA9PiBbLi4uY29kZXMua2V5cygpXSxcbiAgICBnZXRTY3JpcHRWZXJzaW9uOiAoKSA9PiAnMScsXG4gICAgZ2V0U2NyaXB0U25hcHNob3Q6IChmaWxlKSA9PiB7XG4gICAgICBjb25zdCB0ZXh0ID0gcmVhZChmaWxlKVxuICAgICAgcmV0dXJuIHRleHQgPT09IHVuZGVmaW5lZCA/IHVuZGVmaW5lZCA6IHRzLlNjcmlwdFNuYXBzaG90LmZyb21TdHJpbmcodGV4dClcbiAgICB9LFxuICAgIGdldEN1cnJlbnREaXJlY3Rvcnk6ICgpID0+IFJPT1QsXG4gICAgZ2V0RGVmYXVsdExpYkZpbGVOYW1lOiAob3B0aW9ucykgPT4gdHMuZ2V0RGVmYXVsdExpYkZpbGVQYXRoKG9wdGlvbnMpLFxuICAgIGZpbGVFeGlzdHM6IChmaWxlKSA9PiBjb2Rlcy5oYXMoZmlsZSkgfHwgdHMuc3lzLmZpbGVFeGlzdHMoZmlsZSksXG4gICAgcmVhZEZpbGU6IHJlYWQsXG4gICAgZGlyZWN0b3J5RXhpc3RzOiAoZm9sZGVyKSA9PiBmb2xkZXIuc3RhcnRzV2l0aChGT0xERVIpIHx8IHRzLnN5cy5kaXJlY3RvcnlFeGlzdHMoZm9sZGVyKSxcbiAgICBnZXREaXJlY3RvcmllczogKGZvbGRlcikgPT4gdHMuc3lzLmdldERpcmVjdG9yaWVzKGZvbGRlciksXG4gIH0pXG59XG4iLCAiY29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2Rpcm5hbWUgPSBcIi90bXAvd3Qvc2l0ZS9zaXRlXCI7Y29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2ZpbGVuYW1lID0gXCIvdG1wL3d0L3NpdGUvc2l0ZS9lbnRyaWVzLnRzXCI7Y29uc3QgX192aXRlX2luamVjdGVkX29yaWdpbmFsX2ltcG9ydF9tZXRhX3VybCA9IFwiZmlsZTovLy90bXAvd3Qvc2l0ZS9zaXRlL2VudHJpZXMudHNcIjsvKiogVGhlIGVudHJpZXMgb2YgdGhlIHBhY2thZ2UsIGZyb20gdGhlIGV4cG9ydHMgb2YgcGFja2FnZS5qc29uOiB3aGF0IG1heSBiZSBpbXBvcnRlZCwgYW5kIHRoZSBzb3VyY2Ugb2YgZWFjaC4gKi9cbmltcG9ydCB7IHRleHRPZiB9IGZyb20gJy4vcHVibGlzaGVkLnRzJ1xuXG5leHBvcnQgaW50ZXJmYWNlIEVudHJ5IHtcbiAgLyoqIEFzIGl0IGlzIGltcG9ydGVkOiBgcG9zdGJ1cy90ZXN0aW5nYC4gKi9cbiAgcmVhZG9ubHkgbmFtZTogc3RyaW5nXG4gIC8qKiBgc3JjL3Rlc3RpbmcvaW5kZXgudHNgICovXG4gIHJlYWRvbmx5IHNvdXJjZTogc3RyaW5nXG59XG5cbmV4cG9ydCBmdW5jdGlvbiBlbnRyaWVzKCk6IHJlYWRvbmx5IEVudHJ5W10ge1xuICBjb25zdCB7IGV4cG9ydHMgfSA9IEpTT04ucGFyc2UodGV4dE9mKCdwYWNrYWdlLmpzb24nKSkgYXMgeyBleHBvcnRzOiBSZWNvcmQ8c3RyaW5nLCBzdHJpbmcgfCB7IGRlZmF1bHQ6IHN0cmluZyB9PiB9XG4gIHJldHVybiBPYmplY3QuZW50cmllcyhleHBvcnRzKS5mbGF0TWFwKChbcGF0aCwgdGFyZ2V0XSkgPT5cbiAgICB0eXBlb2YgdGFyZ2V0ID09PSAnc3RyaW5nJ1xuICAgICAgPyBbXVxuICAgICAgOiBbXG4gICAgICAgICAge1xuICAgICAgICAgICAgbmFtZTogYHBvc3RidXMke3BhdGguc2xpY2UoMSl9YCxcbiAgICAgICAgICAgIHNvdXJjZTogdGFyZ2V0LmRlZmF1bHQucmVwbGFjZSgvXlxcLlxcL2Rpc3RcXC8vLCAnJykucmVwbGFjZSgvXFwuanMkLywgJy50cycpLFxuICAgICAgICAgIH0sXG4gICAgICAgIF0sXG4gIClcbn1cblxuLyoqIFdoZXJlIHRoZSBwYWdlcyBvZiBhbiBlbnRyeSBiZWdpbiBvbiB0aGUgc2l0ZS4gKi9cbmV4cG9ydCBmdW5jdGlvbiBwbGFjZU9mRW50cnkoeyBuYW1lIH06IEVudHJ5KTogc3RyaW5nIHtcbiAgcmV0dXJuIGAvYXBpLyR7bmFtZS5yZXBsYWNlQWxsKCcvJywgJy0nKX0vYFxufVxuIiwgImNvbnN0IF9fdml0ZV9pbmplY3RlZF9vcmlnaW5hbF9kaXJuYW1lID0gXCIvdG1wL3d0L3NpdGUvc2l0ZVwiO2NvbnN0IF9fdml0ZV9pbmplY3RlZF9vcmlnaW5hbF9maWxlbmFtZSA9IFwiL3RtcC93dC9zaXRlL3NpdGUvc2lkZWJhci50c1wiO2NvbnN0IF9fdml0ZV9pbmplY3RlZF9vcmlnaW5hbF9pbXBvcnRfbWV0YV91cmwgPSBcImZpbGU6Ly8vdG1wL3d0L3NpdGUvc2l0ZS9zaWRlYmFyLnRzXCI7LyoqIFRoZSBzaWRlYmFyOiB0aGUgc2VjdGlvbnMgb2YgYHBhZ2VzLnRzYCwgd2l0aCB0aGUgQVBJIGFtb25nIHRoZSByZWZlcmVuY2UgYW5kIGEgbGluZSBmb3IgZWFjaCBkZWNpc2lvbi4gKi9cbmltcG9ydCB7IGVudHJpZXMsIHBsYWNlT2ZFbnRyeSB9IGZyb20gJy4vZW50cmllcy50cydcbmltcG9ydCB7IFNFQ1RJT05TLCB0eXBlIFBhZ2UsIHR5cGUgU2VjdGlvbiB9IGZyb20gJy4vcGFnZXMudHMnXG5pbXBvcnQgeyBkZWNpc2lvbkZpbGVzLCBwbGFjZU9mLCB0aXRsZU9mIH0gZnJvbSAnLi9wdWJsaXNoZWQudHMnXG5cbmludGVyZmFjZSBJdGVtIHtcbiAgcmVhZG9ubHkgdGV4dDogc3RyaW5nXG4gIHJlYWRvbmx5IGxpbms/OiBzdHJpbmdcbiAgcmVhZG9ubHkgY29sbGFwc2VkPzogYm9vbGVhblxuICByZWFkb25seSBpdGVtcz86IEl0ZW1bXVxufVxuXG5leHBvcnQgZnVuY3Rpb24gc2lkZWJhcigpOiBJdGVtW10ge1xuICByZXR1cm4gU0VDVElPTlMuZmlsdGVyKCh7IHBhZ2VzIH0pID0+IHBhZ2VzLmxlbmd0aCA+IDApLm1hcCgoc2VjdGlvbikgPT4gKHtcbiAgICB0ZXh0OiBzZWN0aW9uLnRpdGxlLFxuICAgIGNvbGxhcHNlZDogZmFsc2UsXG4gICAgaXRlbXM6IFsuLi5zZWN0aW9uLnBhZ2VzLm1hcChpdGVtT2YpLCAuLi5nZW5lcmF0ZWQoc2VjdGlvbildLFxuICB9KSlcbn1cblxuZnVuY3Rpb24gaXRlbU9mKHsgbmFtZSwgZmlsZSB9OiBQYWdlKTogSXRlbSB7XG4gIHJldHVybiB7IHRleHQ6IG5hbWUsIGxpbms6IGFkZHJlc3NPZihmaWxlKSB9XG59XG5cbmZ1bmN0aW9uIGdlbmVyYXRlZCh7IHRpdGxlIH06IFNlY3Rpb24pOiBJdGVtW10ge1xuICBpZiAodGl0bGUgPT09ICdSZWZlcmVuY2UnKSByZXR1cm4gW3sgdGV4dDogJ0FQSScsIGNvbGxhcHNlZDogZmFsc2UsIGl0ZW1zOiBlbnRyaWVzKCkubWFwKGFwaUl0ZW0pIH1dXG4gIGlmICh0aXRsZSAhPT0gJ0luc2lkZScpIHJldHVybiBbXVxuICBjb25zdCBkZWNpc2lvbnMgPSBkZWNpc2lvbkZpbGVzKCkubWFwKChmaWxlKSA9PiAoeyB0ZXh0OiB0aXRsZU9mKGZpbGUpLCBsaW5rOiBhZGRyZXNzT2YoZmlsZSkgfSkpXG4gIHJldHVybiBbeyB0ZXh0OiAnRGVjaXNpb25zJywgY29sbGFwc2VkOiB0cnVlLCBpdGVtczogZGVjaXNpb25zIH1dXG59XG5cbmZ1bmN0aW9uIGFwaUl0ZW0oZW50cnk6IFJldHVyblR5cGU8dHlwZW9mIGVudHJpZXM+W251bWJlcl0pOiBJdGVtIHtcbiAgcmV0dXJuIHsgdGV4dDogZW50cnkubmFtZSwgbGluazogcGxhY2VPZkVudHJ5KGVudHJ5KSB9XG59XG5cbmZ1bmN0aW9uIGFkZHJlc3NPZihmaWxlOiBzdHJpbmcpOiBzdHJpbmcge1xuICByZXR1cm4gYC8ke3BsYWNlT2YoZmlsZSlcbiAgICAucmVwbGFjZSgvXFwubWQkLywgJycpXG4gICAgLnJlcGxhY2UoLyhefFxcLylpbmRleCQvLCAnJDEnKX1gXG59XG4iXSwKICAibWFwcGluZ3MiOiAiO0FBQ0EsU0FBUywyQkFBMkI7QUFDcEMsU0FBUyxvQkFBb0I7OztBQ0Q3QixTQUFTLFFBQVEsWUFBQUEsV0FBVSxXQUFXLFFBQVEscUJBQXFCO0FBQ25FLFNBQVMsU0FBUyxRQUFBQyxPQUFNLFlBQUFDLGlCQUFnQjs7O0FDWWpDLElBQU0sWUFBWTtBQUVsQixJQUFNLFdBQStCO0FBQUEsRUFDMUM7QUFBQSxJQUNFLE9BQU87QUFBQSxJQUNQLE9BQU87QUFBQSxNQUNMLEVBQUUsTUFBTSxXQUFXLE1BQU0sWUFBWTtBQUFBLE1BQ3JDLEVBQUUsTUFBTSxlQUFlLE1BQU0sY0FBYztBQUFBLE1BQzNDLEVBQUUsTUFBTSxZQUFZLE1BQU0sbUJBQW1CO0FBQUEsTUFDN0MsRUFBRSxNQUFNLGNBQWMsTUFBTSxxQkFBcUI7QUFBQSxJQUNuRDtBQUFBLEVBQ0Y7QUFBQSxFQUNBO0FBQUEsSUFDRSxPQUFPO0FBQUEsSUFDUCxPQUFPO0FBQUEsTUFDTCxFQUFFLE1BQU0sWUFBWSxNQUFNLG1CQUFtQjtBQUFBLE1BQzdDLEVBQUUsTUFBTSxZQUFZLE1BQU0sbUJBQW1CO0FBQUEsTUFDN0MsRUFBRSxNQUFNLFFBQVEsTUFBTSxlQUFlO0FBQUEsTUFDckMsRUFBRSxNQUFNLFdBQVcsTUFBTSxrQkFBa0I7QUFBQSxNQUMzQyxFQUFFLE1BQU0sYUFBYSxNQUFNLG9CQUFvQjtBQUFBLE1BQy9DLEVBQUUsTUFBTSxpQkFBaUIsTUFBTSxrQkFBa0I7QUFBQSxNQUNqRCxFQUFFLE1BQU0sdUJBQXVCLE1BQU0saUJBQWlCO0FBQUEsTUFDdEQsRUFBRSxNQUFNLGdCQUFnQixNQUFNLHVCQUF1QjtBQUFBLE1BQ3JELEVBQUUsTUFBTSw4QkFBOEIsTUFBTSx1QkFBdUI7QUFBQSxNQUNuRSxFQUFFLE1BQU0sV0FBVyxNQUFNLGtCQUFrQjtBQUFBLE1BQzNDLEVBQUUsTUFBTSx3QkFBd0IsTUFBTSxrQkFBa0I7QUFBQSxNQUN4RCxFQUFFLE1BQU0sY0FBYyxNQUFNLG9CQUFvQjtBQUFBLE1BQ2hELEVBQUUsTUFBTSxhQUFhLE1BQU0sb0JBQW9CO0FBQUEsTUFDL0MsRUFBRSxNQUFNLGNBQWMsTUFBTSxxQkFBcUI7QUFBQSxNQUNqRCxFQUFFLE1BQU0sYUFBYSxNQUFNLG9CQUFvQjtBQUFBLE1BQy9DLEVBQUUsTUFBTSxpQkFBaUIsTUFBTSx3QkFBd0I7QUFBQSxNQUN2RCxFQUFFLE1BQU0sOEJBQThCLE1BQU0saUNBQWlDO0FBQUEsTUFDN0UsRUFBRSxNQUFNLFFBQVEsTUFBTSxpQkFBaUI7QUFBQSxJQUN6QztBQUFBLEVBQ0Y7QUFBQSxFQUNBO0FBQUEsSUFDRSxPQUFPO0FBQUEsSUFDUCxPQUFPO0FBQUEsTUFDTCxFQUFFLE1BQU0sVUFBVSxNQUFNLGlCQUFpQjtBQUFBLE1BQ3pDLEVBQUUsTUFBTSwyQkFBMkIsTUFBTSxzQkFBc0I7QUFBQSxNQUMvRCxFQUFFLE1BQU0sYUFBYSxNQUFNLG9CQUFvQjtBQUFBLE1BQy9DLEVBQUUsTUFBTSxvQkFBb0IsTUFBTSxnQkFBZ0I7QUFBQSxNQUNsRCxFQUFFLE1BQU0sVUFBVSxNQUFNLGlCQUFpQjtBQUFBLElBQzNDO0FBQUEsRUFDRjtBQUFBLEVBQ0E7QUFBQSxJQUNFLE9BQU87QUFBQSxJQUNQLE9BQU8sQ0FBQztBQUFBLEVBQ1Y7QUFBQSxFQUNBO0FBQUEsSUFDRSxPQUFPO0FBQUEsSUFDUCxPQUFPO0FBQUEsTUFDTCxFQUFFLE1BQU0sZ0JBQWdCLE1BQU0sd0JBQXdCO0FBQUEsTUFDdEQsRUFBRSxNQUFNLFdBQVcsTUFBTSw0QkFBNEI7QUFBQSxNQUNyRCxFQUFFLE1BQU0sZUFBZSxNQUFNLDJCQUEyQjtBQUFBLE1BQ3hELEVBQUUsTUFBTSxXQUFXLE1BQU0sNEJBQTRCO0FBQUEsTUFDckQsRUFBRSxNQUFNLFdBQVcsTUFBTSw0QkFBNEI7QUFBQSxNQUNyRCxFQUFFLE1BQU0sVUFBVSxNQUFNLDJCQUEyQjtBQUFBLElBQ3JEO0FBQUEsRUFDRjtBQUFBLEVBQ0E7QUFBQSxJQUNFLE9BQU87QUFBQSxJQUNQLE9BQU87QUFBQSxNQUNMLEVBQUUsTUFBTSxnQkFBZ0IsTUFBTSx1QkFBdUI7QUFBQSxNQUNyRCxFQUFFLE1BQU0sZUFBZSxNQUFNLHNCQUFzQjtBQUFBLE1BQ25ELEVBQUUsTUFBTSw0QkFBNEIsTUFBTSxtQkFBbUI7QUFBQSxNQUM3RCxFQUFFLE1BQU0sZ0JBQWdCLE1BQU0sa0JBQWtCO0FBQUEsTUFDaEQsRUFBRSxNQUFNLFlBQVksTUFBTSxjQUFjO0FBQUEsTUFDeEMsRUFBRSxNQUFNLGFBQWEsTUFBTSxlQUFlO0FBQUEsSUFDNUM7QUFBQSxFQUNGO0FBQ0Y7OztBQ2xGTyxTQUFTLGNBQWMsTUFBYyxRQUEwQztBQUNwRixRQUFNLE9BQU87QUFDYixNQUFJLFVBQVU7QUFDZCxNQUFJLE9BQU87QUFDWCxhQUFXLEVBQUUsR0FBRyxPQUFPLE1BQU0sS0FBSyxLQUFLLFNBQVMsSUFBSSxHQUFHO0FBQ3JELGVBQVcsT0FBTyxLQUFLLE1BQU0sTUFBTSxLQUFLLENBQUMsSUFBSTtBQUM3QyxXQUFPLFFBQVEsTUFBTTtBQUFBLEVBQ3ZCO0FBQ0EsU0FBTyxVQUFVLE9BQU8sS0FBSyxNQUFNLElBQUksQ0FBQztBQUMxQztBQUdPLFNBQVMsV0FBVyxNQUFpQztBQUMxRCxRQUFNLE9BQU8sb0JBQUksSUFBb0I7QUFDckMsUUFBTSxVQUFvQixDQUFDO0FBQzNCLGdCQUFjLE1BQU0sQ0FBQyxTQUFTO0FBQzVCLGVBQVcsQ0FBQyxFQUFFLFVBQVUsRUFBRSxLQUFLLEtBQUssU0FBUyxpQkFBaUIsR0FBRztBQUMvRCxZQUFNLFNBQVMsU0FBUyxPQUFPO0FBQy9CLFlBQU0sUUFBUSxLQUFLLElBQUksTUFBTSxLQUFLO0FBQ2xDLFdBQUssSUFBSSxRQUFRLFFBQVEsQ0FBQztBQUMxQixjQUFRLEtBQUssVUFBVSxJQUFJLFNBQVMsR0FBRyxNQUFNLElBQUksS0FBSyxFQUFFO0FBQUEsSUFDMUQ7QUFDQSxXQUFPO0FBQUEsRUFDVCxDQUFDO0FBQ0QsU0FBTztBQUNUO0FBR08sU0FBUyxTQUFTLFNBQXlCO0FBQ2hELFNBQU8sUUFDSixRQUFRLDRCQUE0QixJQUFJLEVBQ3hDLEtBQUssRUFDTCxZQUFZLEVBQ1osUUFBUSw0QkFBNEIsRUFBRSxFQUN0QyxRQUFRLE9BQU8sR0FBRztBQUN2QjtBQUdPLFNBQVMsZ0JBQWdCLE1BQXNCO0FBQ3BELFFBQU0sQ0FBQyxFQUFFLEVBQUUsR0FBRyxLQUFLLElBQUksS0FBSyxNQUFNLFdBQVc7QUFDN0MsUUFBTSxZQUFZLE1BQ2YsS0FBSyxFQUFFLEVBQ1AsTUFBTSxTQUFTLEVBQ2YsSUFBSSxDQUFDLFFBQVEsSUFBSSxLQUFLLENBQUMsRUFDdkIsS0FBSyxDQUFDLFFBQVEsaUJBQWlCLEtBQUssR0FBRyxLQUFLLENBQUMsSUFBSSxXQUFXLEtBQUssQ0FBQztBQUNyRSxRQUFNLFNBQVMsYUFBYSxJQUN6QixRQUFRLDBCQUEwQixJQUFJLEVBQ3RDLFdBQVcsTUFBTSxFQUFFLEVBQ25CLFdBQVcsUUFBUSxHQUFHO0FBQ3pCLFNBQU8sa0JBQWtCLEtBQUssS0FBSyxJQUFJLENBQUMsRUFBRSxRQUFRLE1BQU0sR0FBRyxLQUFLO0FBQ2xFOzs7QUNwREEsU0FBUyxVQUFVLG9CQUFvQjtBQUN2QyxTQUFTLE1BQU0sVUFBVSxlQUFlO0FBRnhDLElBQU0sbUNBQW1DO0FBTWxDLElBQU0sT0FBTyxRQUFRLGtDQUFxQixJQUFJO0FBRTlDLElBQU0sWUFBWSxLQUFLLGtDQUFxQixRQUFRO0FBR3BELFNBQVMsaUJBQW9DO0FBQ2xELFNBQU8sQ0FBQyxHQUFHLFNBQVMsUUFBUSxDQUFDLEVBQUUsTUFBTSxNQUFNLE1BQU0sSUFBSSxDQUFDLEVBQUUsS0FBSyxNQUFNLElBQUksQ0FBQyxHQUFHLEdBQUcsY0FBYyxDQUFDO0FBQy9GO0FBRU8sU0FBUyxnQkFBbUM7QUFDakQsU0FBTyxVQUFVLEVBQUUsT0FBTyxDQUFDLFNBQVMsS0FBSyxXQUFXLEdBQUcsU0FBUyxHQUFHLENBQUM7QUFDdEU7QUFHTyxTQUFTLFlBQStCO0FBQzdDLFNBQU8sU0FBUyxnQkFBZ0IsRUFBRSxLQUFLLEtBQUssQ0FBQyxFQUFFLFNBQVM7QUFDMUQ7QUFHTyxTQUFTLFFBQVEsTUFBc0I7QUFDNUMsTUFBSSxTQUFTLFlBQWEsUUFBTztBQUNqQyxTQUFPLEtBQUssV0FBVyxPQUFPLElBQUksU0FBUyxRQUFRLElBQUksSUFBSSxLQUFLLFlBQVk7QUFDOUU7QUFFTyxTQUFTLE9BQU8sTUFBc0I7QUFDM0MsU0FBTyxhQUFhLEtBQUssTUFBTSxJQUFJLEdBQUcsTUFBTTtBQUM5QztBQUdPLFNBQVMsUUFBUSxNQUFzQjtBQUM1QyxRQUFNLFFBQVEsWUFBWSxLQUFLLE9BQU8sSUFBSSxDQUFDLElBQUksQ0FBQztBQUNoRCxNQUFJLFVBQVUsT0FBVyxPQUFNLElBQUksTUFBTSxHQUFHLElBQUksNEJBQXVCO0FBQ3ZFLFNBQU8sTUFBTSxXQUFXLEtBQUssRUFBRTtBQUNqQztBQUdPLFNBQVMsb0JBQW1DO0FBQ2pELFFBQU0sRUFBRSxXQUFXLElBQUksS0FBSyxNQUFNLE9BQU8sY0FBYyxDQUFDO0FBQ3hELFFBQU0sTUFBTSxPQUFPLGVBQWUsV0FBVyxhQUFhLFlBQVk7QUFDdEUsTUFBSSxRQUFRLE9BQVcsUUFBTztBQUM5QixTQUFPLElBQ0osUUFBUSxVQUFVLEVBQUUsRUFDcEIsUUFBUSxZQUFZLHFCQUFxQixFQUN6QyxRQUFRLFVBQVUsRUFBRTtBQUN6Qjs7O0FDNUNPLFNBQVMsVUFBVUMsWUFBNkM7QUFDckUsUUFBTSxXQUFXLFNBQVMsT0FBTyxDQUFDLEVBQUUsTUFBTSxNQUFNLE1BQU0sU0FBUyxDQUFDLEVBQUU7QUFBQSxJQUNoRSxDQUFDLEVBQUUsT0FBTyxNQUFNLE1BQU0sTUFBTSxLQUFLO0FBQUE7QUFBQSxFQUFPLE1BQU0sSUFBSSxDQUFDLFNBQVMsS0FBSyxNQUFNQSxVQUFTLENBQUMsRUFBRSxLQUFLLElBQUksQ0FBQztBQUFBLEVBQy9GO0FBQ0EsUUFBTSxZQUFZLGNBQWMsRUFBRSxJQUFJLENBQUMsU0FBUyxLQUFLLEVBQUUsTUFBTSxRQUFRLElBQUksR0FBRyxLQUFLLEdBQUdBLFVBQVMsQ0FBQztBQUM5RixTQUFPO0FBQUEsSUFDTDtBQUFBLElBQ0EsS0FBSyxnQkFBZ0IsT0FBTyxXQUFXLENBQUMsQ0FBQztBQUFBLElBQ3pDLEdBQUc7QUFBQSxJQUNIO0FBQUE7QUFBQSxFQUFrQixVQUFVLEtBQUssSUFBSSxDQUFDO0FBQUEsSUFDdEM7QUFBQSxFQUNGLEVBQUUsS0FBSyxNQUFNO0FBQ2Y7QUFFQSxTQUFTLEtBQUssRUFBRSxNQUFNLEtBQUssR0FBU0EsWUFBNkM7QUFDL0UsU0FBTyxNQUFNLElBQUksS0FBS0EsV0FBVSxJQUFJLENBQUMsTUFBTSxnQkFBZ0IsT0FBTyxJQUFJLENBQUMsQ0FBQztBQUMxRTtBQUdPLFNBQVMsV0FBbUI7QUFDakMsU0FBTyxlQUFlLEVBQ25CLE9BQU8sQ0FBQyxTQUFTLENBQUMsS0FBSyxXQUFXLFNBQVMsQ0FBQyxFQUM1QyxJQUFJLENBQUMsU0FBUyxRQUFRLElBQUk7QUFBQTtBQUFBLEVBQVcsT0FBTyxJQUFJLEVBQUUsS0FBSyxDQUFDO0FBQUEsQ0FBSSxFQUM1RCxLQUFLLElBQUk7QUFDZDs7O0FDN0JBLFNBQVMsa0JBQWtCO0FBQzNCLFNBQVMsUUFBQUMsT0FBTSxhQUFhO0FBVzVCLElBQU0sT0FBTztBQVVOLFNBQVMsY0FBdUI7QUFDckMsUUFBTSxXQUFXLG9CQUFJLElBQStCO0FBQ3BELFNBQU87QUFBQSxJQUNMLE9BQU8sSUFBSSxJQUFJLGVBQWUsQ0FBQztBQUFBLElBQy9CLFdBQVcsTUFBTTtBQUNmLFlBQU0sUUFBUSxTQUFTLElBQUksSUFBSSxLQUFLLFdBQVcsT0FBTyxJQUFJLENBQUM7QUFDM0QsZUFBUyxJQUFJLE1BQU0sS0FBSztBQUN4QixhQUFPO0FBQUEsSUFDVDtBQUFBLElBQ0EsWUFBWSxrQkFBa0I7QUFBQSxFQUNoQztBQUNGO0FBR08sU0FBUyxnQkFBZ0IsTUFBYyxNQUFjLFNBQTZCO0FBQ3ZGLFFBQU0sU0FBbUIsQ0FBQztBQUMxQixRQUFNLFVBQVUsQ0FBQyxTQUNmLEtBQUssUUFBUSxNQUFNLENBQUMsTUFBYyxPQUFlLE9BQWUsV0FBbUI7QUFDakYsVUFBTSxRQUFRLFNBQVMsTUFBTSxRQUFRLE9BQU87QUFDNUMsUUFBSSxVQUFVLEtBQU0sUUFBTyxLQUFLLEdBQUcsSUFBSSxXQUFNLE1BQU0sRUFBRTtBQUNyRCxVQUFNLFFBQVEsTUFBTSxTQUFTLElBQUksSUFBSSxRQUFRLEtBQUssSUFBSTtBQUN0RCxRQUFJLFVBQVUsUUFBUSxVQUFVLGFBQWMsUUFBTyxRQUFRLE9BQU87QUFDcEUsV0FBTyxHQUFHLEtBQUssSUFBSSxLQUFLLEtBQUssS0FBSztBQUFBLEVBQ3BDLENBQUM7QUFDSCxTQUFPLEVBQUUsTUFBTSxjQUFjLE1BQU0sT0FBTyxHQUFHLE9BQU87QUFDdEQ7QUFHQSxTQUFTLFNBQVMsTUFBYyxRQUFnQixFQUFFLE9BQU8sWUFBWSxHQUFHLEtBQUssR0FBMkI7QUFDdEcsTUFBSSxXQUFXLEtBQUssTUFBTSxFQUFHLFFBQU87QUFDcEMsUUFBTSxDQUFDLE9BQU8sSUFBSSxNQUFNLElBQUksT0FBTyxNQUFNLEdBQUc7QUFDNUMsUUFBTSxVQUFVLFNBQVMsS0FBSyxPQUFPLE1BQU0sVUFBVSxNQUFNLEtBQUssTUFBTSxRQUFRLElBQUksR0FBRyxVQUFVLElBQUksQ0FBQyxDQUFDO0FBQ3JHLE1BQUksUUFBUSxXQUFXLElBQUksS0FBSyxDQUFDLFdBQVdDLE1BQUssTUFBTSxPQUFPLENBQUMsRUFBRyxRQUFPO0FBRXpFLE1BQUksTUFBTSxJQUFJLE9BQU8sR0FBRztBQUN0QixRQUFJLFdBQVcsVUFBYSxDQUFDLEtBQUssV0FBVyxPQUFPLEVBQUUsU0FBUyxNQUFNLEVBQUcsUUFBTztBQUMvRSxVQUFNLFFBQVEsU0FBUyxLQUFLLEtBQUssSUFBSSxRQUFRLE9BQU8sQ0FBQztBQUNyRCxXQUFPLFdBQVcsU0FBWSxRQUFRLEdBQUcsS0FBSyxJQUFJLE1BQU07QUFBQSxFQUMxRDtBQUNBLE1BQUksUUFBUSxXQUFXLE9BQU8sS0FBSyxTQUFTLEtBQUssT0FBTyxFQUFHLFFBQU8sSUFBSSxNQUFNLFNBQVMsUUFBUSxPQUFPLENBQUM7QUFDckcsU0FBTyxlQUFlLE9BQU8sZUFBZSxHQUFHLFVBQVUsY0FBYyxPQUFPO0FBQ2hGOzs7QUx4RE8sU0FBUyxXQUFpQjtBQUMvQixTQUFPLFdBQVcsRUFBRSxXQUFXLE1BQU0sT0FBTyxLQUFLLENBQUM7QUFDbEQsUUFBTSxVQUFVLFlBQVk7QUFDNUIsUUFBTSxTQUFTLGVBQWUsRUFBRSxRQUFRLENBQUMsU0FBUyxhQUFhLE1BQU0sT0FBTyxDQUFDO0FBQzdFLE1BQUksT0FBTyxTQUFTLEVBQUcsT0FBTSxJQUFJLE1BQU07QUFBQSxFQUE2QixPQUFPLEtBQUssSUFBSSxDQUFDLEVBQUU7QUFFdkYsY0FBWTtBQUNaLFFBQU0sbUJBQW1CLFVBQVUsT0FBTyxDQUFDO0FBQzNDLFFBQU0sd0JBQXdCLFNBQVMsQ0FBQztBQUMxQztBQUdPLFNBQVMsY0FBYyxNQUFvQjtBQUNoRCxRQUFNLE9BQU9DLFVBQVMsTUFBTSxJQUFJO0FBQ2hDLE1BQUksZUFBZSxFQUFFLFNBQVMsSUFBSSxFQUFHLFlBQVcsUUFBUSxhQUFhLE1BQU0sWUFBWSxDQUFDLEVBQUcsU0FBUSxNQUFNLElBQUk7QUFDL0c7QUFHQSxTQUFTLGFBQWEsTUFBYyxTQUFxQztBQUN2RSxRQUFNLEVBQUUsTUFBTSxPQUFPLElBQUksZ0JBQWdCLE1BQU0sT0FBTyxJQUFJLEdBQUcsT0FBTztBQUNwRSxRQUFNLFFBQVEsSUFBSSxHQUFHLElBQUk7QUFDekIsUUFBTUMsTUFBSyxVQUFVLFFBQVEsSUFBSSxDQUFDLEdBQUcsT0FBTyxJQUFJLENBQUM7QUFDakQsU0FBTztBQUNUO0FBR0EsU0FBUyxjQUFvQjtBQUMzQixhQUFXLFFBQVFDLFVBQVMsZUFBZSxFQUFFLEtBQUssTUFBTSxTQUFTLENBQUMsU0FBUyxPQUFPLElBQUksRUFBRSxTQUFTLEtBQUssRUFBRSxDQUFDO0FBQ3ZHLFdBQU9ELE1BQUssTUFBTSxJQUFJLEdBQUdBLE1BQUssV0FBVyxVQUFVRCxVQUFTLFFBQVEsSUFBSSxDQUFDLENBQUM7QUFDOUU7QUFFQSxTQUFTLE1BQU0sT0FBZSxNQUFvQjtBQUNoRCxRQUFNLE9BQU9DLE1BQUssV0FBVyxLQUFLO0FBQ2xDLFlBQVUsUUFBUSxJQUFJLEdBQUcsRUFBRSxXQUFXLEtBQUssQ0FBQztBQUM1QyxnQkFBYyxNQUFNLElBQUk7QUFDMUI7QUFFQSxJQUFJLFlBQVksS0FBTSxVQUFTOzs7QU16Qy9CLFNBQVMsVUFBVSxRQUFBRSxhQUFZO0FBRS9CLE9BQU8sUUFBUTs7O0FDSVIsU0FBUyxVQUE0QjtBQUMxQyxRQUFNLEVBQUUsUUFBUSxJQUFJLEtBQUssTUFBTSxPQUFPLGNBQWMsQ0FBQztBQUNyRCxTQUFPLE9BQU8sUUFBUSxPQUFPLEVBQUU7QUFBQSxJQUFRLENBQUMsQ0FBQyxNQUFNLE1BQU0sTUFDbkQsT0FBTyxXQUFXLFdBQ2QsQ0FBQyxJQUNEO0FBQUEsTUFDRTtBQUFBLFFBQ0UsTUFBTSxVQUFVLEtBQUssTUFBTSxDQUFDLENBQUM7QUFBQSxRQUM3QixRQUFRLE9BQU8sUUFBUSxRQUFRLGVBQWUsRUFBRSxFQUFFLFFBQVEsU0FBUyxLQUFLO0FBQUEsTUFDMUU7QUFBQSxJQUNGO0FBQUEsRUFDTjtBQUNGO0FBR08sU0FBUyxhQUFhLEVBQUUsS0FBSyxHQUFrQjtBQUNwRCxTQUFPLFFBQVEsS0FBSyxXQUFXLEtBQUssR0FBRyxDQUFDO0FBQzFDOzs7QURoQkEsSUFBTSxTQUFTQyxNQUFLLE1BQU0sc0JBQXNCO0FBQ2hELElBQU0sWUFBWTtBQUNsQixJQUFNLFVBQVU7QUFFaEIsSUFBTSxVQUE4QjtBQUFBLEVBQ2xDLFFBQVEsR0FBRyxhQUFhO0FBQUEsRUFDeEIsUUFBUSxHQUFHLFdBQVc7QUFBQSxFQUN0QixRQUFRO0FBQUEsRUFDUixjQUFjO0FBQUEsRUFDZCxRQUFRO0FBQUEsRUFDUiw0QkFBNEI7QUFBQSxFQUM1Qix3QkFBd0I7QUFBQSxFQUN4QixPQUFPLENBQUMsTUFBTTtBQUFBLEVBQ2QsT0FBTyxPQUFPLFlBQVksUUFBUSxFQUFFLElBQUksQ0FBQyxFQUFFLE1BQU0sT0FBTyxNQUFNLENBQUMsTUFBTSxDQUFDQSxNQUFLLE1BQU0sTUFBTSxDQUFDLENBQUMsQ0FBQyxDQUFDO0FBQzdGO0FBR08sU0FBUyxTQUFnQztBQUM5QyxRQUFNLFNBQVMsYUFBYTtBQUM1QixRQUFNLFVBQVUsV0FBVyxNQUFNO0FBQ2pDLFNBQU8sQ0FBQyxTQUFzQztBQUM1QyxVQUFNLE9BQU8sT0FBTyxJQUFJLEtBQUssS0FBSyxDQUFDO0FBQ25DLFVBQU0sUUFBUSxTQUFTLFNBQVksQ0FBQyxJQUFJLFNBQVMsU0FBUyxJQUFJO0FBQzlELFdBQU8sRUFBRSxNQUFNLE9BQU8sTUFBTSxFQUFFLFdBQVcsS0FBSyxFQUFFO0FBQUEsRUFDbEQ7QUFDRjtBQUlBLFNBQVMsU0FBUyxTQUE2QixNQUF1QjtBQUNwRSxRQUFNLFNBQVMsUUFBUSxXQUFXLEdBQUcsY0FBYyxJQUFJO0FBQ3ZELE1BQUksQ0FBQyxPQUFRLFFBQU8sQ0FBQztBQUNyQixRQUFNLFFBQWlCLENBQUM7QUFDeEIsUUFBTSxRQUFRLENBQUMsU0FBd0I7QUFDckMsUUFBSSxHQUFHLGFBQWEsSUFBSSxFQUFHLE9BQU0sS0FBSyxHQUFHLFFBQVEsU0FBUyxRQUFRLElBQUksQ0FBQztBQUN2RSxPQUFHLGFBQWEsTUFBTSxLQUFLO0FBQUEsRUFDN0I7QUFDQSxRQUFNLE1BQU07QUFDWixTQUFPO0FBQ1Q7QUFFQSxTQUFTLFFBQVEsU0FBNkIsUUFBdUIsTUFBOEI7QUFDakcsUUFBTSxRQUFRLEtBQUssU0FBUyxNQUFNO0FBQ2xDLFFBQU0sT0FBTyxRQUFRLHVCQUF1QixPQUFPLFVBQVUsS0FBSztBQUNsRSxRQUFNLE9BQU8sR0FBRyxxQkFBcUIsTUFBTSxZQUFZLEVBQUUsUUFBUSxnQ0FBZ0MsSUFBSTtBQUNyRyxNQUFJLFNBQVMsTUFBTSxLQUFLLFNBQVMsV0FBVyw0QkFBNEIsS0FBSyxJQUFJLEVBQUcsUUFBTyxDQUFDO0FBQzVGLFFBQU0sRUFBRSxNQUFBQyxPQUFNLFVBQVUsSUFBSSxPQUFPLDhCQUE4QixLQUFLO0FBQ3RFLFFBQU0sT0FBTyxHQUFHLHFCQUFxQixNQUFNLGFBQWE7QUFDeEQsU0FBTztBQUFBLElBQ0w7QUFBQSxNQUNFLE1BQU07QUFBQSxNQUNOO0FBQUEsTUFDQSxHQUFJLFNBQVMsTUFBTSxFQUFFLEtBQUs7QUFBQSxNQUMxQjtBQUFBLE1BQ0EsUUFBUSxLQUFLLFNBQVMsTUFBTTtBQUFBLE1BQzVCLFFBQVEsS0FBSztBQUFBLE1BQ2IsTUFBQUE7QUFBQSxNQUNBO0FBQUEsSUFDRjtBQUFBLEVBQ0Y7QUFDRjtBQUdBLFNBQVMsZUFBNEM7QUFDbkQsUUFBTSxTQUFTLG9CQUFJLElBQW9CO0FBQ3ZDLGFBQVcsUUFBUSxDQUFDLGFBQWEsR0FBRyxVQUFVLENBQUMsR0FBRztBQUNoRCxlQUFXLENBQUMsRUFBRSxPQUFPLEVBQUUsS0FBSyxPQUFPLElBQUksRUFBRSxTQUFTLDBCQUEwQixHQUFHO0FBQzdFLFlBQU0sT0FBTyxVQUFVLEtBQUssSUFBSSxJQUFJLENBQUM7QUFDckMsVUFBSSxTQUFTLE9BQVcsUUFBTyxJQUFJLEtBQUssS0FBSyxHQUFHRCxNQUFLLFFBQVEsU0FBUyxJQUFJLEdBQUcsU0FBUyxJQUFJLENBQUMsQ0FBQztBQUFBLElBQzlGO0FBQUEsRUFDRjtBQUNBLFNBQU87QUFDVDtBQUVBLFNBQVMsU0FBUyxNQUFzQjtBQUN0QyxTQUFPLEtBQUssV0FBVyxLQUFLLEdBQUc7QUFDakM7QUFFQSxTQUFTLFdBQVcsUUFBeUQ7QUFDM0UsUUFBTSxRQUFRLElBQUksSUFBSSxNQUFNLEtBQUssUUFBUSxDQUFDLENBQUMsTUFBTSxJQUFJLE1BQU0sQ0FBQyxNQUFNLElBQUksQ0FBQyxDQUFDO0FBQ3hFLFFBQU0sT0FBTyxDQUFDLFNBQWlCLE1BQU0sSUFBSSxJQUFJLEtBQUssR0FBRyxJQUFJLFNBQVMsSUFBSTtBQUN0RSxTQUFPLEdBQUcsc0JBQXNCO0FBQUEsSUFDOUIsd0JBQXdCLE1BQU07QUFBQSxJQUM5QixvQkFBb0IsTUFBTSxDQUFDLEdBQUcsTUFBTSxLQUFLLENBQUM7QUFBQSxJQUMxQyxrQkFBa0IsTUFBTTtBQUFBLElBQ3hCLG1CQUFtQixDQUFDLFNBQVM7QUFDM0IsWUFBTSxPQUFPLEtBQUssSUFBSTtBQUN0QixhQUFPLFNBQVMsU0FBWSxTQUFZLEdBQUcsZUFBZSxXQUFXLElBQUk7QUFBQSxJQUMzRTtBQUFBLElBQ0EscUJBQXFCLE1BQU07QUFBQSxJQUMzQix1QkFBdUIsQ0FBQyxZQUFZLEdBQUcsc0JBQXNCLE9BQU87QUFBQSxJQUNwRSxZQUFZLENBQUMsU0FBUyxNQUFNLElBQUksSUFBSSxLQUFLLEdBQUcsSUFBSSxXQUFXLElBQUk7QUFBQSxJQUMvRCxVQUFVO0FBQUEsSUFDVixpQkFBaUIsQ0FBQyxXQUFXLE9BQU8sV0FBVyxNQUFNLEtBQUssR0FBRyxJQUFJLGdCQUFnQixNQUFNO0FBQUEsSUFDdkYsZ0JBQWdCLENBQUMsV0FBVyxHQUFHLElBQUksZUFBZSxNQUFNO0FBQUEsRUFDMUQsQ0FBQztBQUNIOzs7QUUvRk8sU0FBUyxVQUFrQjtBQUNoQyxTQUFPLFNBQVMsT0FBTyxDQUFDLEVBQUUsTUFBTSxNQUFNLE1BQU0sU0FBUyxDQUFDLEVBQUUsSUFBSSxDQUFDLGFBQWE7QUFBQSxJQUN4RSxNQUFNLFFBQVE7QUFBQSxJQUNkLFdBQVc7QUFBQSxJQUNYLE9BQU8sQ0FBQyxHQUFHLFFBQVEsTUFBTSxJQUFJLE1BQU0sR0FBRyxHQUFHLFVBQVUsT0FBTyxDQUFDO0FBQUEsRUFDN0QsRUFBRTtBQUNKO0FBRUEsU0FBUyxPQUFPLEVBQUUsTUFBTSxLQUFLLEdBQWU7QUFDMUMsU0FBTyxFQUFFLE1BQU0sTUFBTSxNQUFNLFVBQVUsSUFBSSxFQUFFO0FBQzdDO0FBRUEsU0FBUyxVQUFVLEVBQUUsTUFBTSxHQUFvQjtBQUM3QyxNQUFJLFVBQVUsWUFBYSxRQUFPLENBQUMsRUFBRSxNQUFNLE9BQU8sV0FBVyxPQUFPLE9BQU8sUUFBUSxFQUFFLElBQUksT0FBTyxFQUFFLENBQUM7QUFDbkcsTUFBSSxVQUFVLFNBQVUsUUFBTyxDQUFDO0FBQ2hDLFFBQU0sWUFBWSxjQUFjLEVBQUUsSUFBSSxDQUFDLFVBQVUsRUFBRSxNQUFNLFFBQVEsSUFBSSxHQUFHLE1BQU0sVUFBVSxJQUFJLEVBQUUsRUFBRTtBQUNoRyxTQUFPLENBQUMsRUFBRSxNQUFNLGFBQWEsV0FBVyxNQUFNLE9BQU8sVUFBVSxDQUFDO0FBQ2xFO0FBRUEsU0FBUyxRQUFRLE9BQWlEO0FBQ2hFLFNBQU8sRUFBRSxNQUFNLE1BQU0sTUFBTSxNQUFNLGFBQWEsS0FBSyxFQUFFO0FBQ3ZEO0FBRUEsU0FBUyxVQUFVLE1BQXNCO0FBQ3ZDLFNBQU8sSUFBSSxRQUFRLElBQUksRUFDcEIsUUFBUSxTQUFTLEVBQUUsRUFDbkIsUUFBUSxnQkFBZ0IsSUFBSSxDQUFDO0FBQ2xDOzs7QVQ5QkEsSUFBTyxpQkFBUSxhQUFhO0FBQUEsRUFDMUIsT0FBTztBQUFBLEVBQ1AsYUFBYTtBQUFBLEVBQ2IsTUFBTTtBQUFBLEVBQ04sUUFBUTtBQUFBLEVBQ1IsWUFBWSxDQUFDLFdBQVc7QUFBQTtBQUFBLEVBQ3hCLFFBQVE7QUFBQSxFQUNSLFVBQVU7QUFBQSxFQUNWLFdBQVc7QUFBQSxFQUNYLGFBQWE7QUFBQSxJQUNYLEtBQUs7QUFBQSxNQUNILEVBQUUsTUFBTSxZQUFZLE1BQU0sWUFBWTtBQUFBLE1BQ3RDLEVBQUUsTUFBTSxPQUFPLE1BQU0sUUFBUTtBQUFBLE1BQzdCLEVBQUUsTUFBTSxhQUFhLE1BQU0sYUFBYTtBQUFBLElBQzFDO0FBQUEsSUFDQSxTQUFTLFFBQVE7QUFBQSxJQUNqQixTQUFTLENBQUMsR0FBRyxDQUFDO0FBQUEsSUFDZCxRQUFRLEVBQUUsVUFBVSxRQUFRO0FBQUEsRUFDOUI7QUFBQSxFQUNBLFVBQVU7QUFBQSxJQUNSLFFBQVEsRUFBRSxTQUFTLFNBQVM7QUFBQSxJQUM1QixrQkFBa0IsQ0FBQyxvQkFBb0IsRUFBRSxpQkFBaUIsT0FBTyxZQUFZLE9BQU8sR0FBRyxRQUFRLEtBQUssQ0FBQyxDQUFDO0FBQUEsRUFDeEc7QUFBQSxFQUNBLE1BQU07QUFBQSxJQUNKLE9BQU8sRUFBRSx1QkFBdUIsSUFBTTtBQUFBO0FBQUEsSUFDdEMsU0FBUztBQUFBLE1BQ1A7QUFBQSxRQUNFLE1BQU07QUFBQSxRQUNOLGdCQUFnQixFQUFFLFFBQVEsR0FBRztBQUMzQixrQkFBUSxJQUFJLENBQUMsR0FBRyxJQUFJLFNBQVMsR0FBRyxJQUFJLFlBQVksQ0FBQztBQUNqRCxrQkFBUSxHQUFHLFVBQVUsYUFBYTtBQUFBLFFBQ3BDO0FBQUEsTUFDRjtBQUFBLElBQ0Y7QUFBQSxFQUNGO0FBQ0YsQ0FBQzsiLAogICJuYW1lcyI6IFsiZ2xvYlN5bmMiLCAiam9pbiIsICJyZWxhdGl2ZSIsICJhZGRyZXNzT2YiLCAiam9pbiIsICJqb2luIiwgInJlbGF0aXZlIiwgImpvaW4iLCAiZ2xvYlN5bmMiLCAiam9pbiIsICJqb2luIiwgImxpbmUiXQp9Cg==
