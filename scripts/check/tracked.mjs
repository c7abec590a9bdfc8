/** Where text comes from that belongs to one machine or one company's network, and not into the repository. */
const foreign = [
  [
    "a registry's host",
    /\b(?:registry|npm)\.[a-z0-9-]+\.(?:org|com|io|net|dev)\b|\/\/[\w.:-]*(?:artifactory|nexus|verdaccio)[\w.:-]*\//i,
  ],
  ["a path of one machine", /(?:^|[\s"'`(=:])\/(?:work|root|Users|home\/[\w-]+)\/[\w.-]/m],
];

/** What a tracked text file says about the machine it was written on, as messages. */
export function checkTracked(path, text) {
  const problems = [];
  text.split("\n").forEach((line, index) => {
    for (const [what, pattern] of foreign) {
      const found = pattern.exec(line);
      if (found !== null) problems.push(`${path}:${index + 1}: ${what}: ${found[0].trim()}`);
    }
  });
  return problems;
}
