// Gathers GraphiQL, what it needs and our page in dist/, from where the binary takes them.
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const here = import.meta.dirname;
const dist = join(here, 'dist');
const installed = createRequire(import.meta.url);
const packageFile = (name, path) => join(dirname(installed.resolve(`${name}/package.json`)), path);

const libraries = {
  'react.js': packageFile('react', 'umd/react.production.min.js'),
  'react-dom.js': packageFile('react-dom', 'umd/react-dom.production.min.js'),
  'graphiql.js': packageFile('graphiql', 'graphiql.min.js'),
  'graphiql.css': packageFile('graphiql', 'graphiql.min.css'),
  'graphql-ws.js': packageFile('graphql-ws', 'umd/graphql-ws.min.js'),
};

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
for (const [name, source] of Object.entries(libraries)) {
  await copyFile(source, join(dist, name));
}
for (const name of await readdir(join(here, 'page'))) {
  await copyFile(join(here, 'page', name), join(dist, name));
}
