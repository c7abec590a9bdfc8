/**
 * Count the lines that reporter.mjs wrote. A file without a test shows up as a test named like the file: that is a
 * failure, for it promises to test something. A suite counts only where it fails by itself (a hook that throws).
 */
export function countNode(text) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const empty = [];
  const results = text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  for (const { outcome, name, file, isSuite } of results) {
    if (isSuite) continue;
    if (outcome === "passed" && file?.endsWith(name)) empty.push(name);
    else counts[outcome] += 1;
  }
  if (counts.failed === 0 && results.some(({ outcome }) => outcome === "failed")) counts.failed = 1;
  counts.failed += empty.length;
  return empty.length === 0 ? counts : { ...counts, why: `no test in ${empty.join(", ")}` };
}

/**
 * Count the test cases of a JUnit report as Deno and Bun write it. Deno lists suites as cases too, named as the
 * beginning of their tests' names ("suite > test"): those are not counted, unless they fail by themselves.
 */
export function countJunit(text) {
  const cases = [...text.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, attributes, body = ""]) => ({
      name: /\bname="([^"]*)"/.exec(attributes)?.[1] ?? "",
      outcome: /<(failure|error)\b/.test(body) ? "failed" : /<skipped\b/.test(body) ? "skipped" : "passed",
    }),
  );
  const suites = new Set();
  for (const { name } of text.includes('<testsuites name="deno test"') ? cases : []) {
    const words = name.split(" &gt; ");
    for (let count = 1; count < words.length; count++) suites.add(words.slice(0, count).join(" &gt; "));
  }
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, outcome } of cases) if (!suites.has(name)) counts[outcome] += 1;
  if (counts.failed === 0 && cases.some(({ outcome }) => outcome === "failed")) counts.failed = 1;
  return counts;
}
