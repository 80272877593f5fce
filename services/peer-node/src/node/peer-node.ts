import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import { Client } from '@pixtorrent/client';
import { cluster } from '@pixtorrent/contracts';
import { type Logger, SeededRandom } from '@pixtorrent/core';
import { systemClock, systemTimers, wallClock } from '@pixtorrent/service-kit';
import type { PeerConfig } from '../config/peer-settings.ts';
import { ContentFolder } from '../content/content-folder.ts';
import { Entries } from '../content/entries.ts';
import { Drain, type DrainReport } from '../drain/drain.ts';
import { Ingestor } from '../ingest/ingestor.ts';
import { Replicator } from '../replication/replicator.ts';
import { ScrubRecord } from '../scrub/scrub-record.ts';
import { Scrubber } from '../scrub/scrubber.ts';
import { Torrents } from '../torrents/torrents.ts';
import { Catalogue } from '../tracker/catalogue.ts';
import { ClusterView } from '../tracker/cluster-view.ts';
import { Registration } from '../tracker/registration.ts';
import { TrackerLink } from '../tracker/tracker-link.ts';
import { describe, type Standing } from './describe.ts';
import { Disk } from './disk.ts';
import { diskBudget } from './disk-budget.ts';
import type { NodeTls } from './node-tls.ts';

/** Ports that others reach this node at; missing where it has none. */
export interface NodePorts {
  readonly grpc?: number;
  readonly http?: number;
}

type Phase = 'starting' | 'running' | 'draining';

const STATES: Readonly<Record<Phase, cluster.NodeState>> = {
  starting: cluster.NodeState.NODE_STATE_STARTING,
  running: cluster.NodeState.NODE_STATE_READY,
  draining: cluster.NodeState.NODE_STATE_DRAINING,
};

/** Milliseconds between two reports of how far its torrents are. */
const REPORT_PERIOD = 2000;

/** A node of the swarm: what it holds, and those it holds it with. */
export class PeerNode {
  readonly client: Client;
  readonly folder: ContentFolder;
  readonly entries: Entries;
  readonly torrents: Torrents;
  readonly catalogue: Catalogue;
  readonly cluster: ClusterView;
  readonly replicator: Replicator;
  readonly ingestor: Ingestor;
  readonly departure: Drain;
  readonly disk: Disk;
  readonly scrubber: Scrubber;
  /** Of the tracker service, as torrents name them; they may hold a key. */
  readonly trackers: readonly string[];
  readonly #config: PeerConfig;
  readonly #link: TrackerLink;
  readonly #streams: ConstructorParameters<typeof Catalogue>[0];
  readonly budget: number;
  readonly #since = wallClock.now();
  #registration: Registration | undefined;
  #standing: Standing;
  #phase: Phase = 'starting';
  #reports: NodeJS.Timeout | undefined;

  private constructor(
    config: PeerConfig,
    parts: Pick<PeerNode, 'client' | 'folder' | 'entries' | 'budget' | 'disk'> & {
      readonly scrubbed: ScrubRecord;
    },
    tls: NodeTls,
    logger: Logger,
  ) {
    this.#config = config;
    this.client = parts.client;
    this.folder = parts.folder;
    this.entries = parts.entries;
    this.budget = parts.budget;
    this.disk = parts.disk;
    const random = new SeededRandom(randomInt(2 ** 47));
    this.#link = new TrackerLink(config.tracker, tls.tracker);
    this.#streams = { timers: systemTimers, random, logger, link: this.#link };
    this.#standing = this.#standingAt({});
    this.trackers = trackerUrls(config);
    this.torrents = new Torrents(
      { client: this.client, folder: this.folder, timers: systemTimers, wallClock, logger },
      { trackers: this.trackers },
    );
    this.catalogue = new Catalogue(this.#streams);
    this.cluster = new ClusterView(this.#streams);
    this.replicator = new Replicator({
      catalogue: this.catalogue,
      cluster: this.cluster,
      torrents: this.torrents,
      entries: this.entries,
      folder: this.folder,
      timers: systemTimers,
      wallClock,
      logger: logger.child({ component: 'replicator' }),
      node: () => this.describe(),
      budget: () => this.budget,
    });
    this.ingestor = new Ingestor(
      {
        folder: this.folder,
        torrents: this.torrents,
        entries: this.entries,
        catalogue: this.catalogue,
        replicator: this.replicator,
        logger: logger.child({ component: 'ingest' }),
      },
      { maxSize: config.ingestMaxSize, announce: config.announce },
    );
    this.scrubber = new Scrubber(
      {
        torrents: this.torrents,
        record: parts.scrubbed,
        timers: systemTimers,
        wallClock,
        logger: logger.child({ component: 'scrub' }),
      },
      { rate: config.scrubRate, interval: config.scrubInterval },
    );
    this.departure = new Drain({
      self: config.name,
      torrents: this.torrents,
      catalogue: this.catalogue,
      cluster: this.cluster,
      clock: systemClock,
      timers: systemTimers,
      logger,
    });
  }

  /**
   * Opens the folder, and listens for peers.
   * @throws the system's error where the folder cannot be written to; NetworkError where the port cannot be had
   */
  static async open(config: PeerConfig, tls: NodeTls, logger: Logger): Promise<PeerNode> {
    const folder = await ContentFolder.open(config.dir, logger);
    const entries = await Entries.open(folder);
    const budget = await diskBudget(config.dir, config.diskBudget);
    const disk = await Disk.open({ folder, timers: systemTimers, logger });
    const scrubbed = await ScrubRecord.open(config.dir);
    const client = await Client.open({
      ...(config.host !== undefined && { host: config.host }),
      port: config.port ?? 0,
      memory: config.memory,
      ...(config.uploadRate !== undefined && { uploadRate: config.uploadRate }),
      ...(config.downloadRate !== undefined && { downloadRate: config.downloadRate }),
      zone: config.zone,
      node: config.machine,
      ...tls.client,
      logger: logger.child({ component: 'client' }),
    });
    client.warmUp();
    const node = new PeerNode(config, { client, folder, entries, budget, disk, scrubbed }, tls, logger);
    await node.torrents.open();
    node.replicator.start();
    return node;
  }

  /** Makes itself known: from now on it is given work. */
  register(ports: NodePorts): void {
    this.#standing = this.#standingAt(ports);
    this.#phase = 'running';
    this.#registration = new Registration({ ...this.#streams, node: () => this.describe() });
    this.torrents.on('changed', () => this.#registration?.changed());
    this.#reports = setInterval(() => {
      if (this.#moving()) this.#registration?.changed();
    }, REPORT_PERIOD).unref();
  }

  get registered(): boolean {
    return this.#registration?.registered ?? false;
  }

  get draining(): boolean {
    return this.#phase === 'draining';
  }

  /** Fulfilled when the tracker service has taken it in for the first time. */
  async whenRegistered(): Promise<void> {
    await this.#registration?.whenRegistered();
  }

  /**
   * It takes no more work, the others know, and take what only this node has. May be asked more than once.
   * @param timeout milliseconds @returns how that gets on; it goes on when nobody listens any more
   */
  drain(timeout: number, signal?: AbortSignal): AsyncGenerator<DrainReport, void, void> {
    if (this.#phase !== 'draining') {
      this.#phase = 'draining';
      this.replicator.pause();
      this.departure.begin();
      void this.ingestor.close();
      void this.scrubber.close();
      this.#registration?.changedMuch();
    }
    return this.departure.wait(timeout, signal);
  }

  describe(): cluster.Node {
    return describe(this.#standing, STATES[this.#phase], this.torrents, this.budget);
  }

  /** Leaves in good order; what is on the disk stays. */
  async close(): Promise<void> {
    clearInterval(this.#reports);
    this.disk.close();
    await Promise.all([this.ingestor.close(), this.scrubber.close()]);
    await this.replicator.close();
    await this.#registration?.leave();
    this.catalogue.close();
    this.cluster.close();
    await this.torrents.close();
    await this.client.close();
    this.#link.close();
  }

  /** Whether something comes or goes. */
  #moving(): boolean {
    for (const { condition, partial } of this.torrents.all())
      if (!partial && (condition.type === 'downloading' || condition.type === 'checking')) return true;
    return false;
  }

  #standingAt({ grpc, http }: NodePorts): Standing {
    const { name, zone, machine, advertise = hostname() } = this.#config;
    const at = (port: number | undefined): string =>
      port === undefined ? '' : `${advertise.includes(':') ? `[${advertise}]` : advertise}:${port}`;
    return {
      name,
      zone,
      machine,
      grpcAddress: at(grpc),
      httpAddress: at(http),
      peerAddress: at(this.client.port),
      sinceMs: this.#since,
    };
  }
}

function trackerUrls({ tracker, trackerKey, trackerTls }: PeerConfig): string[] {
  const scheme = trackerTls ? 'grpcs' : 'grpc';
  const key = trackerKey === undefined ? '' : `/${trackerKey}`;
  return tracker.map(
    ({ host, port }) => `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${key}`,
  );
}
