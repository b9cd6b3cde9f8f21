import { interleavingTrial } from '../../support/interleaving-trial.ts';

interleavingTrial({ weather: 'calm', firstSeed: 1000, count: 10_000 });
interleavingTrial({ weather: 'store-outages', firstSeed: 1000, count: 10_000 });
interleavingTrial({ weather: 'kills', firstSeed: 1000, count: 10_000 });
