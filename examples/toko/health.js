// Ready when the catalogue can be read: a replica that cannot find products should get no visitors.
import { countProducts } from './products.js';

export function health() {
  return { status: 200, body: { status: 'ok', products: countProducts() } };
}
