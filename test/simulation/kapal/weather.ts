import type { World } from './world.ts';

const hour = 3_600_000;

/** Something happens to the machine that nobody asked for. */
export function strike(world: World): void {
  const { noise, machine, edge, time } = world;
  switch (noise.between(0, 11)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return world.kill();
    case 4:
    case 5:
      return machine.strike('crash');
    case 6:
      return machine.strike('lose');
    case 7:
      return machine.strike('sicken');
    case 8:
      return edge.crash();
    case 9:
      // Somebody sets the clock: by a day, by the hour of summer time, by what a wrong battery makes of it.
      return time.jump(noise.pick(24 * hour, -24 * hour, hour, -hour, noise.between(-90_000, 90_000)));
    default: {
      const port = 20_000 + noise.between(0, 3) * 2_500 + noise.between(0, 20);
      return machine.occupy(port);
    }
  }
}
