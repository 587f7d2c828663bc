// Stands in for Next's server: pages that are made on demand and optimised
// images go to .next/cache, which the build leaves to be made.
const fs = require('node:fs');
const http = require('node:http');

fs.readFileSync('.next/BUILD_ID');
let visits = 0;
http.createServer((req, res) => {
  fs.mkdirSync('.next/cache/fetch-cache', { recursive: true });
  fs.writeFileSync('.next/cache/fetch-cache/page', String(++visits));
  res.end(`hello ${visits} from next\n`);
}).listen(process.env.PORT);
process.on('SIGTERM', () => process.exit(0));
