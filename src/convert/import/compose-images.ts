/** What an image holds that people take from others, by the last part of its name. */
export type ImageKind =
  | { readonly kind: 'datastore'; readonly what: string }
  | { readonly kind: 'language'; readonly runtime: string }
  | { readonly kind: 'files' }
  | { readonly kind: 'other' };

const datastores: Readonly<Record<string, string>> = {
  postgres: 'PostgreSQL',
  postgresql: 'PostgreSQL',
  postgis: 'PostgreSQL',
  pgvector: 'PostgreSQL',
  timescaledb: 'PostgreSQL',
  redis: 'Redis',
  valkey: 'Valkey',
  keydb: 'KeyDB',
  mysql: 'MySQL',
  mariadb: 'MariaDB',
  mongo: 'MongoDB',
  mongodb: 'MongoDB',
  memcached: 'memcached',
  rabbitmq: 'RabbitMQ',
  elasticsearch: 'Elasticsearch',
  opensearch: 'OpenSearch',
  minio: 'MinIO',
  nats: 'NATS',
  kafka: 'Kafka',
  clickhouse: 'ClickHouse',
  'clickhouse-server': 'ClickHouse',
};

const languages: Readonly<Record<string, string>> = {
  node: 'node',
  python: 'python',
  golang: 'go',
  php: 'php',
  ruby: 'ruby',
  rust: 'rust',
  openjdk: 'java',
  'eclipse-temurin': 'java',
  maven: 'java',
  gradle: 'java',
};

const servers = new Set(['nginx', 'httpd', 'caddy']);

/** `docker.io/library/postgres:16-alpine@sha256:...` is postgres. */
export function imageKind(image: string): ImageKind {
  const [path = ''] = image.split('@');
  const name = (path.split('/').at(-1) ?? '').split(':')[0]?.toLowerCase() ?? '';
  const what = Object.hasOwn(datastores, name) ? datastores[name] : undefined;
  if (what !== undefined) return { kind: 'datastore', what };
  const runtime = Object.hasOwn(languages, name) ? languages[name] : undefined;
  if (runtime !== undefined) return { kind: 'language', runtime };
  return servers.has(name) ? { kind: 'files' } : { kind: 'other' };
}
