// A command whose part is not built yet says so and exits 2, instead of pretending.
const [command, issue] = process.argv.slice(2);
console.error(`npm run ${command}: not built yet: it comes with the issue "${issue}"`);
process.exitCode = 2;
