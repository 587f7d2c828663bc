// Answers every request, and keeps an access log in the working directory.
const fs = require('node:fs');
const http = require('node:http');

fs.mkdirSync('logs', { recursive: true });
const log = fs.createWriteStream('logs/access.log', { flags: 'a' });
log.on('error', (err) => {
  console.error(err.message);
  process.exit(1);
});

http.createServer((req, res) => {
  log.write(`${req.method} ${req.url}\n`);
  res.end('hello from node\n');
}).listen(process.env.PORT || 3000);

process.on('SIGTERM', () => process.exit(0));
