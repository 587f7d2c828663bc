const fs = require('fs');
const http = require('http');

const version = '@VERSION@';
const uploads = process.env.UPLOADS || '/data/uploads';

fs.mkdirSync(uploads, { recursive: true });

http.createServer((req, res) => {
  const file = `${uploads}/${Date.now()}`;
  req.pipe(fs.createWriteStream(file)).on('finish', () => {
    res.end(`version ${version}: ${fs.statSync(file).size} bytes\n`);
  });
}).listen(3000);
