// Stands in for "next build": the build's output, its cache not included.
const fs = require('node:fs');
fs.mkdirSync('.next/server', { recursive: true });
fs.writeFileSync('.next/BUILD_ID', 'hello');
