import { interleavingTrial } from '../../support/interleaving-trial.ts';

interleavingTrial({ weather: 'calm', firstSeed: 1, count: 500 });
interleavingTrial({ weather: 'store-outages', firstSeed: 1, count: 250 });
interleavingTrial({ weather: 'kills', firstSeed: 1, count: 250 });
