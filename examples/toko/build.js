// Writes toko.db: the same products on every machine, and a full-text index over them.
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { products } from './catalogue.js';

const file = join(import.meta.dirname, 'toko.db');
const unfinished = `${file}.new`;

rmSync(unfinished, { force: true });
const db = new DatabaseSync(unfinished);
db.exec(`
  CREATE TABLE product (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    brand TEXT NOT NULL,
    description TEXT NOT NULL,
    price INTEGER NOT NULL,
    stock INTEGER NOT NULL
  ) STRICT;
  CREATE VIRTUAL TABLE product_text USING fts5 (name, brand, description, content='product', content_rowid='id', prefix='2 3');
  BEGIN;
`);
const insert = db.prepare('INSERT INTO product (id, name, brand, description, price, stock) VALUES (?, ?, ?, ?, ?, ?)');
let count = 0;
for (const { id, name, brand, description, price, stock } of products()) {
  insert.run(id, name, brand, description, price, stock);
  count += 1;
}
db.exec(`
  INSERT INTO product_text (product_text) VALUES ('rebuild');
  COMMIT;
  INSERT INTO product_text (product_text) VALUES ('optimize');
  VACUUM;
`);
db.close();
// A server never meets a half-written file.
renameSync(unfinished, file);
console.log(`toko.db: ${count} products`);
