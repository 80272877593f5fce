import { type AddressInfo, createServer, type Server as Listener, type Socket } from 'node:net';
import {
  type handleServerStreamingCall,
  Server,
  ServerCredentials,
  type ServerInterceptor,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { filesOf } from './descriptor-set.ts';

export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface GrpcLimits {
  /**
   * Bytes of a request.
   * @default 20 MiB
   */
  readonly maxReceiveBytes?: number;
  /**
   * Bytes of an answer.
   * @default 32 MiB
   */
  readonly maxSendBytes?: number;
  /**
   * Connections at the same time; more are closed at once.
   * @default 10,000
   */
  readonly maxConnections?: number;
  /**
   * Calls at the same time on one connection; more wait at the client.
   * @default 256
   */
  readonly maxCallsPerConnection?: number;
  /**
   * Milliseconds for which a connection stays open without a call.
   * @default 300,000
   */
  readonly maxIdle?: number;
  /**
   * Milliseconds after which a silent connection is asked whether it lives.
   * @default 30,000
   */
  readonly keepAlive?: number;
  /**
   * Milliseconds that it has to say so.
   * @default 10,000
   */
  readonly keepAliveTimeout?: number;
}

/** Certificates that may change: `TlsFiles`. */
export interface GrpcTls {
  serverCredentials(): ServerCredentials;
}

export interface GrpcServerOptions {
  /**
   * Address to listen on.
   * @default every address of both families
   */
  readonly host?: string;
  /** 0 picks one. */
  readonly port: number;
  readonly services: readonly GrpcService[];
  /** A google.protobuf.FileDescriptorSet that has all of them, in base64: what reflection tells. */
  readonly descriptors: string;
  readonly limits?: GrpcLimits;
  /** In the clear where it is missing. */
  readonly tls?: GrpcTls;
  /** Pass or refuse calls before they are read, the first one first. */
  readonly interceptors?: readonly ServerInterceptor[];
}

const MEBIBYTE = 2 ** 20;

/** Services over gRPC, with grpc.health.v1 and reflection beside them. */
export class GrpcServer {
  readonly #server: Server;
  readonly #listener: Listener;
  readonly #health: HealthImplementation;
  readonly #names: readonly string[];
  readonly #sockets = new Set<Socket>();
  readonly #healthWatches = new Set<ServerWritableStream<unknown, unknown>>();
  /** Fulfilled, while draining, when the last connection is closed. */
  #left = Promise.withResolvers<void>();

  private constructor(options: GrpcServerOptions) {
    const { services, limits = {}, interceptors = [] } = options;
    this.#names = services.map(nameOf);
    this.#server = new Server({ ...channelOptions(limits), interceptors: [...interceptors] });
    for (const { definition, implementation } of services)
      this.#server.addService(definition, implementation);
    this.#health = new HealthImplementation({ '': 'SERVING' });
    for (const name of this.#names) this.#health.setStatus(name, 'SERVING');
    this.#addHealth();
    reflection(options.descriptors, this.#names).addToServer(this.#server);
    // grpc-js neither bounds nor counts connections where it listens itself, and hides why it cannot listen.
    const injector = this.#server.createConnectionInjector(
      options.tls?.serverCredentials() ?? ServerCredentials.createInsecure(),
    );
    this.#listener = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        if (this.#sockets.size === 0) this.#left.resolve();
      });
      injector.injectConnection(socket);
    });
    this.#listener.maxConnections = limits.maxConnections ?? 10_000;
  }

  /** @throws the system's error where it cannot listen, `EADDRINUSE` for one */
  static async listen(options: GrpcServerOptions): Promise<GrpcServer> {
    const server = new GrpcServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#listener.once('error', reject);
      server.#listener.listen({ port: options.port, host: options.host }, () => {
        server.#listener.off('error', reject);
        resolve();
      });
    });
    // A connection that cannot be accepted is the client's loss, and no reason to end.
    server.#listener.on('error', () => {});
    return server;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Open connections. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** What grpc.health.v1 says of one of the services, by its full name. */
  setServing(service: string, serving: boolean): void {
    this.#health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING');
  }

  /**
   * Takes no more connections and calls, and lets those that are under way end.
   * @param graceMs milliseconds; what has not ended then is cut off
   * @returns whether all have ended by themselves
   */
  async drain(graceMs: number): Promise<boolean> {
    for (const name of ['', ...this.#names]) this.setServing(name, false);
    // They have been told all that there is to tell, and nobody has to wait for them.
    for (const watch of this.#healthWatches) watch.end();
    this.#listener.close();
    this.#left = Promise.withResolvers();
    if (this.#sockets.size === 0) this.#left.resolve();
    // Its callback comes at once on a Node that closes the sessions with their server: the connections are the truth.
    this.#server.tryShutdown(() => {});
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), graceMs);
    });
    const inTime = await Promise.race([this.#left.promise.then(() => true), late]);
    clearTimeout(timer);
    if (!inTime) {
      // It knows its sessions only where it keeps traces of them: the sockets end them all.
      this.#server.forceShutdown();
      for (const socket of this.#sockets) socket.destroy();
    }
    return inTime;
  }

  #addHealth(): void {
    const addService = (
      definition: ServiceDefinition,
      implementation: UntypedServiceImplementation,
    ): void => {
      const watch = implementation.watch as handleServerStreamingCall<unknown, unknown>;
      this.#server.addService(definition, {
        ...implementation,
        watch: (call: ServerWritableStream<unknown, unknown>) => {
          this.#healthWatches.add(call);
          call.once('cancelled', () => this.#healthWatches.delete(call));
          watch(call);
        },
      });
    };
    // It adds itself, by this method alone.
    this.#health.addToServer({ addService } as unknown as Server);
  }
}

function channelOptions(limits: GrpcLimits) {
  return {
    'grpc.max_receive_message_length': limits.maxReceiveBytes ?? 20 * MEBIBYTE,
    'grpc.max_send_message_length': limits.maxSendBytes ?? 32 * MEBIBYTE,
    'grpc.max_concurrent_streams': limits.maxCallsPerConnection ?? 256,
    'grpc.max_connection_idle_ms': limits.maxIdle ?? 300_000,
    'grpc.keepalive_time_ms': limits.keepAlive ?? 30_000,
    'grpc.keepalive_timeout_ms': limits.keepAliveTimeout ?? 10_000,
    // It keeps a trace of every connection for a tool that nobody asks.
    'grpc.enable_channelz': 0,
  };
}

function reflection(descriptors: string, services: readonly string[]): ReflectionService {
  const fileDescriptorProtos = filesOf(Buffer.from(descriptors, 'base64'));
  // Of a package definition it reads nothing but the files of its members.
  const definition = { all: { fileDescriptorProtos } } as unknown;
  return new ReflectionService(definition as ConstructorParameters<typeof ReflectionService>[0], {
    services: [...services],
  });
}

/** `pixtorrent.tracker.v1.TrackerService`, from the path of any of its methods. */
function nameOf({ definition }: GrpcService): string {
  return Object.values(definition)[0]!.path.split('/')[1]!;
}
