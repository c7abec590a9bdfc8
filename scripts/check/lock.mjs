// The lock file: no download addresses, and no holes. A registry may carry a package's binaries for some systems only;
// npm then leaves the others out of the lock file, and `npm ci` refuses a lock file with such holes.
// `npm run fix` fills them.

/** What is wrong with package-lock.json, given parsed, as messages. */
export function checkLock(lock) {
  const addresses = Object.entries(lock.packages)
    .filter(([, { resolved, link }]) => resolved !== undefined && !link)
    .map(([path]) => `${path}: has a download address ("resolved"): see .npmrc`);
  const holes = findHoles(lock).map(
    ({ name, wantedBy }) => `${name}, an optional part of ${wantedBy}, is missing: npm run fix`,
  );
  return [...addresses, ...holes].map((problem) => `package-lock.json: ${problem}`);
}

/** A copy of the lock file with its holes filled. Throws if a package's name does not tell its system. */
export function fillHoles(lock) {
  const { "": root, ...packages } = lock.packages;
  for (const { name, version, isDev } of findHoles(lock)) {
    packages[`node_modules/${name}`] = {
      version,
      cpu: [wordIn(name, processors)],
      ...(isDev ? { dev: true } : {}),
      ...libraryOf(name),
      optional: true,
      os: [wordIn(name, systems)],
    };
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, "en"));
  return { ...lock, packages: { "": root, ...Object.fromEntries(sorted) } };
}

/** Optional dependencies that have no entry where their dependant would find them. */
function findHoles({ packages }) {
  const holes = new Map();
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isFound(packages, path, name)) continue;
      const isDev = entry.dev === true && (holes.get(name)?.isDev ?? true);
      holes.set(name, { name, version, wantedBy: path.replace(/^.*node_modules\//, ""), isDev });
    }
  }
  return [...holes.values()];
}

function isFound(packages, path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    if (packages[`${folder === "" ? "" : `${folder}/`}node_modules/${name}`] !== undefined) return true;
    if (!folder.includes("/node_modules/")) {
      return folder !== "" && packages[`node_modules/${name}`] !== undefined;
    }
  }
}

const systems = {
  ...{
    aix: "aix",
    android: "android",
    darwin: "darwin",
    freebsd: "freebsd",
    linux: "linux",
    netbsd: "netbsd",
  },
  ...{ openbsd: "openbsd", openharmony: "openharmony", sunos: "sunos", win32: "win32", windows: "win32" },
};
const processors = {
  ...{
    64: "x64",
    aarch64: "arm64",
    amd64: "x64",
    arm: "arm",
    arm64: "arm64",
    ia32: "ia32",
    loong64: "loong64",
  },
  ...{
    mips64el: "mips64el",
    ppc64: "ppc64",
    riscv64: "riscv64",
    s390x: "s390x",
    wasm32: "wasm32",
    x64: "x64",
  },
};

function wordIn(name, words) {
  const found = name.split(/[-/]/).find((word) => Object.hasOwn(words, word));
  if (found === undefined) throw new Error(`package-lock.json: for which system is ${name}?`);
  return words[found];
}

function libraryOf(name) {
  if (!name.includes("linux")) return {};
  if (name.includes("musl")) return { libc: ["musl"] };
  return /gnu|glibc/.test(name) ? { libc: ["glibc"] } : {};
}
