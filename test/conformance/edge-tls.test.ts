import { after, before, describe } from 'node:test';
import { changeCases, choiceCases, profileCases, proofCases } from './edge-tls.ts';
import { TlsGround } from './edge-tls-ground.ts';
import { http2Cases, meaningCases } from './edge-tls-http.ts';
import { engines } from './engines.ts';

const groups = {
  'choice of certificates': choiceCases,
  profile: profileCases,
  'changes of certificates': changeCases,
  'proofs of names': proofCases,
  'the meaning of HTTPS': meaningCases,
  'HTTP/2': http2Cases,
};

for (const kind of engines) {
  describe(`TLS: ${kind.name}`, () => {
    let ground: TlsGround;
    before(async () => {
      ground = await TlsGround.start(kind);
    });
    after(() => ground[Symbol.asyncDispose]());
    for (const [name, cases] of Object.entries(groups)) describe(name, () => cases(() => ground));
  });
}
