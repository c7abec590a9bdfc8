// A reporter for `node --test`: one JSON line for each finished test (suites are no tests), to be counted.
export default async function* report(source) {
  for await (const { type, data } of source) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (data.details?.type === "suite" && type === "test:pass") continue;
    const outcome =
      type === "test:fail" && data.todo === undefined ? "failed" : isSkipped(data) ? "skipped" : "passed";
    yield `${JSON.stringify({ outcome, name: data.name, file: data.file, isSuite: data.details?.type === "suite" })}\n`;
  }
}

function isSkipped(data) {
  return data.skip !== undefined || data.todo !== undefined;
}
