import { isVariableName } from '../../model/names.ts';

/** The variable in which an add-on leaves its address. */
const addresses: Readonly<Record<string, string>> = {
  'heroku-postgresql': 'DATABASE_URL',
  'heroku-redis': 'REDIS_URL',
  'heroku-kafka': 'KAFKA_URL',
  'jawsdb-maria': 'JAWSDB_MARIA_URL',
  jawsdb: 'JAWSDB_URL',
  cleardb: 'CLEARDB_DATABASE_URL',
  cloudamqp: 'CLOUDAMQP_URL',
  rediscloud: 'REDISCLOUD_URL',
  redistogo: 'REDISTOGO_URL',
  openredis: 'OPENREDIS_URL',
  memcachier: 'MEMCACHIER_SERVERS',
  bonsai: 'BONSAI_URL',
  searchbox: 'SEARCHBOX_URL',
  mongolab: 'MONGODB_URI',
  mongohq: 'MONGOHQ_URL',
};

/** The variables that an app reads of an add-on (`heroku-postgresql:mini`); empty for one that is not known. `prefix` is Heroku's `as`. */
export function addonVariables(plan: string, prefix: string | null): readonly string[] {
  const [name = ''] = plan.split(':');
  const key = Object.hasOwn(addresses, name) ? addresses[name] : undefined;
  if (key === undefined) return [];
  const named = prefix === null ? key : `${prefix.toUpperCase()}_URL`;
  return isVariableName(named) ? [named] : [key];
}
