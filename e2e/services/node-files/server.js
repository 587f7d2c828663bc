const fs = require('fs');
const http = require('http');
const path = require('path');

const store = process.env.STORE || './database/store.json';
const reports = process.env.REPORTS;

if (!fs.existsSync(store)) {
  fs.writeFileSync(store, '[]');
}

http.createServer((req, res) => {
  const items = JSON.parse(fs.readFileSync(store, 'utf8'));
  if (req.method === 'POST') {
    items.push(req.url.slice(1));
    fs.writeFileSync(store, JSON.stringify(items));
    fs.writeFileSync(path.join(reports, 'last.txt'), `${items.length}\n`);
  }
  res.end(items.join('\n') + '\n');
}).listen(3000);
