export * from './Button';
export * from './Data';
export * from './Feedback';
export * from './Field';
export * from './Icon';
export * from './Shell';
