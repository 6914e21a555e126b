import { ConnectionError, defaultWindow, defaultFrameSize, errorCode, maxUint31, setting } from './codes.ts';

/** What the client asked for (RFC 9113 6.5.2), as far as it matters to a server that never pushes and keeps frames small. */
export class PeerSettings {
  initialWindow = defaultWindow;
  /** The next header block says first that the table of the connection is not used (RFC 7541 4.2). */
  tableChanged = false;

  /** Answers by how much the initial window has grown. Throws ConnectionError. */
  apply(payload: Buffer): number {
    if (payload.length % 6 !== 0) throw new ConnectionError(errorCode.frameSize, 'SETTINGS of a wrong length');
    const before = this.initialWindow;
    for (let at = 0; at < payload.length; at += 6) this.#one(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    return this.initialWindow - before;
  }

  #one(id: number, value: number): void {
    switch (id) {
      case setting.headerTableSize:
        this.tableChanged = true;
        break;
      case setting.enablePush:
        if (value > 1) throw new ConnectionError(errorCode.protocol, 'SETTINGS_ENABLE_PUSH');
        break;
      case setting.initialWindowSize:
        if (value > maxUint31) throw new ConnectionError(errorCode.flowControl, 'SETTINGS_INITIAL_WINDOW_SIZE');
        this.initialWindow = value;
        break;
      case setting.maxFrameSize:
        if (value < defaultFrameSize || value > 0xff_ffff)
          throw new ConnectionError(errorCode.protocol, 'SETTINGS_MAX_FRAME_SIZE');
        break;
      default:
        break;
    }
  }
}
