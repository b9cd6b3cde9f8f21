import { dayTrial } from '../support/day-trial.ts';

for (const seed of [1, 2, 3, 4, 5]) dayTrial({ seed, hours: 10 * 24, leeway: seed % 2 === 0 ? 30 : 0, longestStep: 6 });
