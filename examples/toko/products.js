// Reads the catalogue that build.js wrote. Opened read-only: any number of replicas share one file.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const file = join(import.meta.dirname, 'toko.db');
if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build first`);

const db = new DatabaseSync(file, { readOnly: true });
const columns = 'p.id, p.name, p.brand, p.description, p.price, p.stock';
const matching = 'FROM product_text t JOIN product p ON p.id = t.rowid WHERE product_text MATCH ?';
const byId = db.prepare(`SELECT ${columns} FROM product p WHERE p.id = ?`);
const all = db.prepare(`SELECT ${columns} FROM product p ORDER BY p.id LIMIT ? OFFSET ?`);
const countAll = db.prepare('SELECT count(*) AS count FROM product');
const found = db.prepare(`SELECT ${columns} ${matching} ORDER BY rank, p.id LIMIT ? OFFSET ?`);
const countFound = db.prepare(`SELECT count(*) AS count ${matching}`);

/** One product, or undefined. */
export function findProduct(id) {
  return byId.get(id);
}

export function countProducts() {
  return countAll.get().count;
}

/** {total, products}: those in which every word of `text` begins some word; all of them when `text` has none. */
export function searchProducts({ text, limit, offset }) {
  const query = toQuery(text);
  if (query === '') return { total: countProducts(), products: all.all(limit, offset) };
  return { total: countFound.get(query).count, products: found.all(query, limit, offset) };
}

export function closeProducts() {
  db.close();
}

// Quoted words only: none of what a visitor types is syntax to the search engine.
function toQuery(text) {
  const words = text.match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.map((word) => `"${word}"*`).join(' ');
}
