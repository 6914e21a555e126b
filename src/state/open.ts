import { openCertificates } from './certificates.ts';
import { connect } from './connect.ts';
import { Database } from './database.ts';
import { openDisks } from './disks.ts';
import { openDomains } from './domains.ts';
import { openEvents } from './events.ts';
import { openFacts } from './facts.ts';
import { openHooks } from './hooks.ts';
import { openInstances } from './instances.ts';
import { openJobs } from './jobs.ts';
import { openOperations } from './operations.ts';
import { openReleases } from './releases.ts';
import { openRepositories } from './repositories.ts';
import { openRollouts } from './rollouts.ts';
import { openServices } from './services.ts';
import type { Store } from './store.ts';
import { openVariables } from './variables.ts';

/**
 * Opens the record at `path`, making it where it is missing; `:memory:` is for tests. Only one process may have it open (see lock.ts):
 * what was read is kept in memory. Throws KapalError `state_damaged`, `state_newer` or `disk_full`.
 */
export function openStore(path: string): Store {
  const database = new Database(connect(path), { path });
  const releases = openReleases(database);
  const instances = openInstances(database);
  return {
    transaction: (work) => database.transaction(work),
    facts: openFacts(database),
    services: openServices(database, (id) => {
      releases.forget(id);
      instances.forget(id);
    }),
    releases,
    rollouts: openRollouts(database),
    instances,
    jobs: openJobs(database),
    operations: openOperations(database),
    variables: openVariables(database),
    domains: openDomains(database),
    certificates: openCertificates(database),
    disks: openDisks(database),
    repositories: openRepositories(database),
    hooks: openHooks(database),
    events: openEvents(database),
    close: () => database.close(),
  };
}
