/** Who calls when a remote is pushed to. `none`: nobody does, the remote is asked by the clock. */
export const hookProviders = ['github', 'gitlab', 'gitea', 'forgejo', 'bitbucket', 'none'] as const;
export type HookProvider = (typeof hookProviders)[number];
