/** The part of udx-native that the bench uses; the package has no types. */
declare module "udx-native" {
  interface Stream {
    connect(socket: Socket, remoteId: number, port: number, host: string): void;
    write(data: Uint8Array): boolean;
    on(event: "data", handle: (data: Uint8Array) => void): void;
    on(event: "error", handle: (error: Error) => void): void;
    once(event: "drain", handle: (value?: unknown) => void): void;
  }
  interface Socket {
    bind(port: number, host: string): void;
    send(data: Uint8Array, port: number, host: string): Promise<boolean>;
  }
  export default class UDX {
    createSocket(): Socket;
    createStream(id: number): Stream;
  }
}
