export * from './Button';
export * from './Clinic';
export * from './Data';
export * from './Feedback';
export * from './Field';
export * from './Icon';
export * from './Identifiers';
export * from './Shell';
