import { dayTrial } from '../support/day-trial.ts';

dayTrial({ seed: 24, hours: 24, leeway: 0, longestStep: 4 });
dayTrial({ seed: 42, hours: 24, leeway: 30, longestStep: 4 });
