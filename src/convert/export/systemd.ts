import type { ServiceSpec, Spec } from '../../spec/spec.ts';
import { noteUnsaid } from './asked.ts';
import { ExportNotes, type Exported, type ExportedFile } from './exporter.ts';
import { argument, percents } from './unit-text.ts';
import { firstPorts, openText, seconds, variablesOf } from './values.ts';

const carried = new Set([
  'rootDir',
  'startCommand',
  'envVars',
  'numInstances',
  'memoryLimit',
  'maxShutdownDelaySeconds',
]);

const why = {
  buildCommand: 'systemd builds nothing: run it in the folder before the first start, and after every change',
  preDeployCommand: 'systemd knows no releases: run it before a restart that brings a change',
  healthCheckPath: 'systemd asks no path: it restarts what ends, and not what hangs',
  domains: 'kapal export nginx writes the sites',
  port: 'units share the ports of the machine: several that insist on one need PrivateNetwork and a way in, or an app that reads PORT',
  disk: 'systemd keeps a folder for the service itself, by StateDirectory: its path is in STATE_DIRECTORY',
  'disk.shared': 'units of one template have the same StateDirectory where its name has no %i',
} as const;

/** A unit for each service that runs, a template where there are several instances, and a file of variables beside each. */
export function exportSystemd(spec: Spec): Exported {
  const notes = new ExportNotes();
  const files = spec.services.flatMap((service) => filesOf(service, { spec, notes }));
  return { files, notes: notes.all() };
}

interface Around {
  readonly spec: Spec;
  readonly notes: ExportNotes;
}

function filesOf(service: ServiceSpec, around: Around): ExportedFile[] {
  const { spec, notes } = around;
  const { name, type, instances, commands } = service;
  if (type === 'cron') {
    notes.refuse(name, 'a schedule is a timer unit with OnCalendar, which this version does not write: it is left out');
    return [];
  }
  if (commands.start === null) {
    notes.refuse(name, `systemd runs commands, and a service of type ${type} has none: kapal export nginx writes it`);
    return [];
  }
  const held = service.port === undefined || firstPorts(spec).get(name) === service.port;
  noteUnsaid(
    service,
    { carried: held ? new Set([...carried, 'port']) : carried, why, otherwise: 'systemd has no word for it' },
    notes,
  );
  const unit = `${spec.project}-${name}`;
  const first = firstPorts(spec).get(name) ?? null;
  if (instances > 1) {
    const ids = first === null ? `{1..${instances}}` : `{${first}..${first + instances - 1}}`;
    notes.warn(
      `${name}.numInstances`,
      `a template unit runs once for each name: systemctl enable --now ${unit}@${ids}`,
    );
  }
  const variables = variableLines(service, around);
  return [
    {
      path: `${unit}${instances > 1 ? '@' : ''}.service`,
      text: unitText(service, { spec, first, start: commands.start, reads: variables.length > 0 }),
    },
    ...(variables.length === 0
      ? []
      : [
          {
            path: `${unit}.env`,
            text: lines([
              '# Read by systemd (systemd.exec(5), EnvironmentFile=): root owns it, mode 0600.',
              ...variables,
            ]),
          },
        ]),
  ];
}

interface UnitInput {
  readonly spec: Spec;
  readonly first: number | null;
  readonly start: string;
  readonly reads: boolean;
}

function unitText(service: ServiceSpec, { spec, first, start, reads }: UnitInput): string {
  const { name, instances, rootDir, memoryLimit, shutdownDelay } = service;
  const folder = `/srv/${spec.project}${rootDir === '.' ? '' : `/${rootDir}`}`;
  const port = first === null ? [] : [`Environment=PORT=${instances > 1 ? '%i' : first}`, 'Environment=HOST=127.0.0.1'];
  return lines([
    `# Written by kapal export systemd. The source lies in /srv/${spec.project}, built.`,
    '[Unit]',
    `Description=${percents(`${spec.project}: ${name}`)}${instances > 1 ? ' (%i)' : ''}`,
    'Wants=network-online.target',
    'After=network-online.target',
    '',
    '[Service]',
    'Type=exec',
    'DynamicUser=yes',
    `WorkingDirectory=${percents(folder)}`,
    ...port,
    ...(reads ? [`EnvironmentFile=/etc/${spec.project}/${spec.project}-${name}.env`] : []),
    `ExecStart=/bin/sh -c ${argument(start)}`,
    'Restart=always',
    'RestartSec=1',
    'KillMode=control-group',
    `TimeoutStopSec=${seconds(shutdownDelay)}`,
    ...(memoryLimit === null ? [] : [`MemoryMax=${memoryLimit}`]),
    '# It writes nothing but what is its own, and gets no rights that it does not have.',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'ProtectHome=yes',
    'PrivateTmp=yes',
    'PrivateDevices=yes',
    'ProtectKernelTunables=yes',
    'ProtectKernelModules=yes',
    'ProtectControlGroups=yes',
    'RestrictSUIDSGID=yes',
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
    'CapabilityBoundingSet=',
    `StateDirectory=${spec.project}-${name}`,
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ]);
}

/** `NAME=value`; what is not known here stands as a comment, to be filled in. */
function variableLines(service: ServiceSpec, { spec, notes }: Around): readonly string[] {
  const ports = firstPorts(spec);
  return variablesOf(spec, service).flatMap((given) => {
    const { key, value } = given;
    if (key === 'PORT' || key === 'HOST') return [];
    const target = value.kind === 'service' ? ports.get(value.service) : undefined;
    const text =
      openText(given) ?? (value.kind === 'service' && target !== undefined ? addressOf(value.property, target) : null);
    if (text !== null && !text.includes('\0')) return [`${key}=${quoted(text)}`];
    notes.warn(
      `${service.name}.envVars.${key}`,
      `its value is not written: give it in /etc/${spec.project}/${spec.project}-${service.name}.env`,
    );
    return [`#${key}=`];
  });
}

/** Of the first instance: systemd balances nothing. */
function addressOf(property: 'host' | 'port' | 'hostport' | 'url', port: number): string | null {
  switch (property) {
    case 'host':
      return '127.0.0.1';
    case 'port':
      return String(port);
    case 'hostport':
      return `127.0.0.1:${port}`;
    case 'url':
      return null;
  }
}

/** In double quotes, where backslash, quote, dollar and backtick are escaped (systemd.exec(5), EnvironmentFile=); lines may break inside. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]*$/.test(text) ? text : `"${text.replaceAll(/[\\"$`]/g, String.raw`\$&`)}"`;
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
